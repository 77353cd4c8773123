import { queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { api } from "#/api/client";
import { answered } from "#/api/problem";
import type { LiveFields, LiveSwap } from "#/swap/types";

const POLL_MS = 1000;

/** One's own, those that run first; what ends is told soon. */
export const liveSwapsQuery = queryOptions({
  queryKey: ["live-swaps"],
  queryFn: async ({ signal }) => (await answered(api.GET("/api/v1/swap/live", { signal }))).live_swaps,
  refetchInterval: (query) => (query.state.data?.some((one) => !isOver(one)) ? POLL_MS : false),
});

export function isOver(live: LiveSwap): boolean {
  return live.end_reason !== null;
}

export function useStartLive() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (body: LiveFields) => answered(api.POST("/api/v1/swap/live", { body })),
    onSuccess: () => client.invalidateQueries({ queryKey: ["live-swaps"] }),
    meta: { told: true },
  });
}

export function useStopLive(liveId: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: () =>
      answered(api.POST("/api/v1/swap/live/{live_id}/stop", { params: { path: { live_id: liveId } } })),
    onSuccess: () => client.invalidateQueries({ queryKey: ["live-swaps"] }),
  });
}
