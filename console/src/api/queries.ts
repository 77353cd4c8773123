import { MutationCache, QueryClient, queryOptions } from "@tanstack/react-query";
import { api } from "#/api/client";
import { answered, problemOf } from "#/api/problem";

const MAX_RETRIES = 2;

/**
 * `onMutationError` is told of every failed change, so that none is lost on a page that forgets to show it; a form that
 * shows its error in place says so by `meta: { told: true }`.
 */
export function createQueryClient(onMutationError: (error: unknown) => void): QueryClient {
  return new QueryClient({
    mutationCache: new MutationCache({
      onError: (error, _variables, _result, mutation) => {
        if (!mutation.meta?.told) onMutationError(error);
      },
    }),
    defaultOptions: {
      queries: {
        staleTime: 10_000,
        retry: (failures, error) => {
          const { status } = problemOf(error);
          return failures < MAX_RETRIES && (status === 0 || status >= 502);
        },
      },
    },
  });
}

export const statusQuery = queryOptions({
  queryKey: ["status"],
  queryFn: ({ signal }) => answered(api.GET("/api/status", { signal })),
  refetchInterval: 10_000,
});

export const packsQuery = queryOptions({
  queryKey: ["packs"],
  queryFn: async ({ signal }) => (await answered(api.GET("/api/v1/models", { signal }))).models,
  staleTime: 60_000,
});
