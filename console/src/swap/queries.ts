import { queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { api } from "#/api/client";
import { answered } from "#/api/problem";

export const policyQuery = queryOptions({
  queryKey: ["swap-policy"],
  queryFn: ({ signal }) => answered(api.GET("/api/v1/swap/policy", { signal })),
});

/** Looking at an engine may start its interpreter: the answer is kept for a while. */
export const enginesQuery = queryOptions({
  queryKey: ["swap-engines"],
  queryFn: async ({ signal }) => (await answered(api.GET("/api/v1/swap/engines", { signal }))).engines,
  staleTime: 60_000,
});

export function useSetVisibleLabel() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (visible: boolean) =>
      answered(api.PUT("/api/v1/swap/policy", { body: { visible_label: visible } })),
    onSuccess: (policy) => {
      client.setQueryData(policyQuery.queryKey, policy);
      void client.invalidateQueries({ queryKey: ["swap-check"] });
    },
  });
}
