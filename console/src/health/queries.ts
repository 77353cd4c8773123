import { queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { api } from "#/api/client";
import { answered, ProblemError, problemOf } from "#/api/problem";
import { galleryChanged } from "#/gallery/queries";

export const HEALTH_KIND = "gallery.health";

/** The latest report; null as long as none was made. */
export const healthQuery = (dismissed: boolean) =>
  queryOptions({
    queryKey: ["health", { dismissed }],
    queryFn: async ({ signal }) => {
      try {
        return await answered(
          api.GET("/api/v1/gallery/health", { params: { query: { dismissed } }, signal }),
        );
      } catch (error) {
        if (error instanceof ProblemError && error.problem.code === "report_not_found") return null;
        throw error;
      }
    },
  });

export function useCheckHealth() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (pack: string | null) =>
      answered(api.POST("/api/v1/gallery/health", { body: { ...(pack && { pack }) } })),
    onSuccess: ({ job }) => {
      client.setQueryData(["jobs", { kind: HEALTH_KIND, limit: 1 }], job);
      void client.invalidateQueries({ queryKey: ["jobs"] });
    },
  });
}

export function useApply(findingId: string) {
  const client = useQueryClient();
  const refresh = () => {
    void client.invalidateQueries({ queryKey: ["health"] });
    galleryChanged(client);
  };
  return useMutation({
    mutationFn: (action: string) =>
      answered(
        api.POST("/api/v1/gallery/health/findings/{finding_id}/apply", {
          params: { path: { finding_id: findingId } },
          body: { action },
        }),
      ),
    onSuccess: refresh,
    onError: (error) => {
      if (problemOf(error).code === "finding_outdated") refresh();
    },
  });
}

/** Takes "this is fine" back. */
export function useReportAgain(findingId: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: () =>
      answered(
        api.DELETE("/api/v1/gallery/health/findings/{finding_id}/dismiss", {
          params: { path: { finding_id: findingId } },
        }),
      ),
    onSuccess: () => client.invalidateQueries({ queryKey: ["health"] }),
  });
}
