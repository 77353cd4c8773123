import { queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { api, authorisedFetch } from "#/api/client";
import { answered, ProblemError, parseProblem } from "#/api/problem";
import type { Consent, SwapKind } from "#/swap/types";

/** Whether it would be done, before anything is sent: the labels of the output, or the problem. */
export const checkQuery = (consent: Consent | null, kind: SwapKind | null, engine: string | null) =>
  queryOptions({
    queryKey: ["swap-check", consent?.consent_id, kind, engine],
    queryFn: ({ signal }) =>
      answered(
        api.POST("/api/v1/swap/check", {
          body: {
            consent_id: consent?.consent_id ?? "",
            purpose: consent?.purpose ?? "",
            kind: kind ?? "image",
            engine: engine ?? "",
          },
          signal,
        }),
      ),
    // What is known to be refused is not asked for: each refusal is an entry in the audit log.
    enabled: consent !== null && kind !== null && engine !== null && consent.scopes.includes(kind),
    refetchOnWindowFocus: false,
  });

export const resultQuery = (jobId: string) =>
  queryOptions({
    queryKey: ["swap-result", jobId],
    queryFn: async ({ signal }) => {
      const response = await authorisedFetch(new Request(resultPath(jobId), { signal }));
      if (response.ok) return response.blob();
      throw new ProblemError(parseProblem(response.status, await response.json().catch(() => null)));
    },
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
    refetchOnWindowFocus: false,
  });

export function useDeleteResult(jobId: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: () =>
      answered(api.DELETE("/api/v1/swap/results/{job_id}", { params: { path: { job_id: jobId } } })),
    onSuccess: () => client.resetQueries({ queryKey: ["swap-result", jobId] }),
  });
}

function resultPath(jobId: string): string {
  return `/api/v1/swap/results/${encodeURIComponent(jobId)}`;
}
