import { infiniteQueryOptions, useMutation } from "@tanstack/react-query";
import { api } from "#/api/client";
import { answered } from "#/api/problem";
import type { EventFilter } from "#/audit/filter";

const PAGE_SIZE = 50;

/** Every look at the log is an entry of its own, so it is only looked at when somebody asks. */
export const eventsQuery = (filter: EventFilter) =>
  infiniteQueryOptions({
    queryKey: ["audit", filter],
    queryFn: ({ pageParam, signal }) =>
      answered(
        api.GET("/api/v1/audit", {
          params: { query: { limit: PAGE_SIZE, ...(pageParam && { cursor: pageParam }), ...filter } },
          signal,
        }),
      ),
    initialPageParam: "",
    getNextPageParam: (page) => page.next_cursor,
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
  });

export function useVerify() {
  return useMutation({
    mutationFn: (expectedHead: string) =>
      answered(
        api.GET("/api/v1/audit/verify", {
          params: { query: expectedHead ? { expect_head: expectedHead } : {} },
        }),
      ),
    meta: { told: true },
  });
}
