import { type QueryClient, queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { api } from "#/api/client";
import { answered, ProblemError } from "#/api/problem";
import type { Coverage, Pack } from "#/api/types";
import { labelOf, refusedCoverage } from "#/packs/labels";

export const REEMBED_KIND = "gallery.reembed";
export const PULL_KIND = "pack.pull";
const SHADOW_POLL_MS = 2000;

export const shadowQuery = queryOptions({
  queryKey: ["shadow"],
  queryFn: async ({ signal }) => (await answered(api.GET("/api/v1/gallery/shadow", { signal }))).shadow,
  refetchInterval: (query) => (query.state.data ? SHADOW_POLL_MS : false),
});

export const availableQuery = queryOptions({
  queryKey: ["available-packs"],
  queryFn: async ({ signal }) => (await answered(api.GET("/api/v1/models/available", { signal }))).models,
});

/** Everything that a change of the packs makes stale. */
export function packsChanged(client: QueryClient) {
  for (const key of ["packs", "available-packs", "shadow", "status", "jobs", "search", "person"])
    void client.invalidateQueries({ queryKey: [key] });
}

export function useReembed(pack: Pack) {
  return usePackMutation((retryFailed: boolean) =>
    answered(
      api.POST("/api/v1/gallery/reembed", { body: { pack: labelOf(pack), retry_failed: retryFailed } }),
    ),
  );
}

/** Null when the switch was made; the coverage when it was refused, which is no error here but a question. */
export function useSwitchDefault(pack: Pack) {
  return usePackMutation(async (force: boolean): Promise<Coverage | null> => {
    try {
      await answered(api.POST("/api/v1/models/default", { body: { pack: labelOf(pack), force } }));
      return null;
    } catch (error) {
      const refused =
        error instanceof ProblemError && error.problem.code === "pack_not_covered"
          ? refusedCoverage(error.problem.context)
          : null;
      if (refused === null) throw error;
      return refused;
    }
  });
}

export function useSetThreshold(pack: { name: string; version: string }) {
  return usePackMutation((threshold: number | null) =>
    answered(
      api.PUT("/api/v1/models/{name}/threshold", {
        params: { path: { name: labelOf(pack) } },
        body: { threshold },
      }),
    ),
  );
}

export function useLoad(pack: Pack) {
  return usePackMutation(() => answered(api.POST("/api/v1/models/load", { body: { name: labelOf(pack) } })));
}

export function useUnload(pack: Pack) {
  return usePackMutation(() =>
    answered(api.POST("/api/v1/models/unload", { body: { name: labelOf(pack) } })),
  );
}

/** `force`: although photos are embedded by it. */
export function useRemovePack(pack: Pack) {
  return usePackMutation((force: boolean) =>
    answered(
      api.DELETE("/api/v1/models/{name}", {
        params: { path: { name: labelOf(pack) }, query: { force } },
      }),
    ),
  );
}

export function usePull(name: string) {
  return usePackMutation((acceptLicence: boolean) =>
    answered(api.POST("/api/v1/models/pull", { body: { name, accept_licence: acceptLicence } })),
  );
}

export function useBeginShadow(pack: Pack) {
  return usePackMutation((sampleRate: number) =>
    answered(api.PUT("/api/v1/gallery/shadow", { body: { pack: labelOf(pack), sample_rate: sampleRate } })),
  );
}

export function useEndShadow() {
  return usePackMutation(() => answered(api.DELETE("/api/v1/gallery/shadow")));
}

function usePackMutation<Input, Output>(mutationFn: (input: Input) => Promise<Output>) {
  const client = useQueryClient();
  return useMutation({ mutationFn, onSuccess: () => packsChanged(client) });
}
