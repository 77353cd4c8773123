import { infiniteQueryOptions, queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { api } from "#/api/client";
import { answered } from "#/api/problem";
import type { components } from "#/api/schema";
import { galleryChanged } from "#/gallery/queries";

export type Unknown = components["schemas"]["UnknownAnswer"];
type NameFields = components["schemas"]["NameFields"];

const PAGE_SIZE = 24;
const POLL_MS = 5000;

/** Who was seen last first. */
export const unknownsQuery = infiniteQueryOptions({
  queryKey: ["unknowns"],
  queryFn: ({ pageParam, signal }) =>
    answered(
      api.GET("/api/v1/stream/unknowns", {
        params: { query: { limit: PAGE_SIZE, ...(pageParam && { cursor: pageParam }) } },
        signal,
      }),
    ),
  initialPageParam: "",
  getNextPageParam: (page) => page.next_cursor,
  refetchInterval: POLL_MS,
});

export const unknownQuery = (unknownId: string) =>
  queryOptions({
    queryKey: ["unknown", unknownId],
    queryFn: ({ signal }) =>
      answered(
        api.GET("/api/v1/stream/unknowns/{unknown_id}", {
          params: { path: { unknown_id: unknownId } },
          signal,
        }),
      ),
  });

export function useName(unknown: Unknown) {
  const path = { unknown_id: unknown.unknown_id };
  const client = useQueryClient();
  return useInboxMutation(
    (body: NameFields) =>
      answered(api.POST("/api/v1/stream/unknowns/{unknown_id}/name", { params: { path }, body })),
    () => galleryChanged(client),
  );
}

export function useVeto(unknown: Unknown) {
  const path = { unknown_id: unknown.unknown_id };
  return useInboxMutation((personId: string) =>
    answered(
      api.POST("/api/v1/stream/unknowns/{unknown_id}/vetoes", {
        params: { path },
        body: { person_id: personId },
      }),
    ),
  );
}

/** A face that is somebody else's becomes an unknown person of its own. */
export function useSplitOff(unknown: Unknown) {
  return useInboxMutation((faceId: string) =>
    answered(
      api.POST("/api/v1/stream/unknowns/{unknown_id}/faces/{face_id}/move", {
        params: { path: { unknown_id: unknown.unknown_id, face_id: faceId } },
        body: {},
      }),
    ),
  );
}

export function usePurge(unknown: Unknown) {
  const path = { unknown_id: unknown.unknown_id };
  return useInboxMutation(() =>
    answered(api.DELETE("/api/v1/stream/unknowns/{unknown_id}", { params: { path } })),
  );
}

export function usePurgeAll() {
  return useInboxMutation(() => answered(api.DELETE("/api/v1/stream/unknowns")));
}

function useInboxMutation<Variables = void, Data = unknown>(
  mutationFn: (variables: Variables) => Promise<Data>,
  onSuccess?: () => void,
) {
  const client = useQueryClient();
  return useMutation({
    mutationFn,
    onSuccess: async () => {
      onSuccess?.();
      await client.invalidateQueries({ queryKey: ["unknown"] });
      await client.invalidateQueries({ queryKey: ["unknowns"] });
    },
  });
}
