import { queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { api } from "#/api/client";
import { answered } from "#/api/problem";

export const CAPACITY_KIND = "server.capacity";

/** What was measured last; null as long as nothing was. */
export const capacityQuery = queryOptions({
  queryKey: ["capacity"],
  queryFn: async ({ signal }) => (await answered(api.GET("/api/v1/capacity", { signal }))).capacity,
});

export function useMeasure() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: () => answered(api.POST("/api/v1/capacity", { body: { quick: false, tune: false } })),
    // Somebody else's may be under way: it is shown then.
    onSettled: () => client.invalidateQueries({ queryKey: ["jobs"] }),
  });
}
