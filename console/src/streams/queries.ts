import { infiniteQueryOptions, queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { api, authorisedFetch } from "#/api/client";
import { answered } from "#/api/problem";
import { isOver, type StartFields, type Stream } from "#/streams/types";

const LIST_POLL_MS = 3000;
const STREAM_POLL_MS = 1000;
const SNAPSHOT_POLL_MS = 4000;
const EVENTS_SHOWN = 30;

export const streamsQuery = queryOptions({
  queryKey: ["streams"],
  queryFn: ({ signal }) =>
    answered(api.GET("/api/v1/stream", { params: { query: { ended: true } }, signal })),
  refetchInterval: LIST_POLL_MS,
});

export const streamQuery = (streamId: string) =>
  queryOptions({
    queryKey: ["stream", streamId],
    queryFn: async ({ signal }) =>
      (
        await answered(
          api.GET("/api/v1/stream/{stream_id}", { params: { path: { stream_id: streamId } }, signal }),
        )
      ).stream,
    refetchInterval: (query) => (query.state.data && isOver(query.state.data) ? false : STREAM_POLL_MS),
  });

/** New ones are put into it as they are pushed: see `live.ts`. */
export const eventsQuery = (streamId: string) =>
  infiniteQueryOptions({
    queryKey: ["stream-events", streamId],
    queryFn: ({ pageParam, signal }) =>
      answered(
        api.GET("/api/v1/stream/{stream_id}/events", {
          params: {
            path: { stream_id: streamId },
            query: { limit: EVENTS_SHOWN, ...(pageParam && { cursor: pageParam }) },
          },
          signal,
        }),
      ),
    initialPageParam: "",
    getNextPageParam: (page) => page.next_cursor,
  });

/** A still picture every few seconds: a browser keeps few connections open, and each live picture needs one. */
export const snapshotQuery = (stream: Stream) =>
  queryOptions({
    queryKey: ["stream-snapshot", stream.stream_id],
    queryFn: async ({ signal }) => {
      const path = `/api/v1/stream/${encodeURIComponent(stream.stream_id)}/snapshot`;
      const response = await authorisedFetch(new Request(path, { signal }));
      return response.ok ? response.blob() : null;
    },
    enabled: stream.state === "running",
    refetchInterval: SNAPSHOT_POLL_MS,
    gcTime: 0,
  });

export function useStart() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: async (body: StartFields) =>
      (await answered(api.POST("/api/v1/stream/start", { body }))).stream,
    onSuccess: () => client.invalidateQueries({ queryKey: ["streams"] }),
  });
}

export function useStop(stream: Stream) {
  return useStreamMutation(stream, () =>
    answered(api.POST("/api/v1/stream/stop", { body: { stream_id: stream.stream_id } })),
  );
}

export function useExtend(stream: Stream) {
  const path = { stream_id: stream.stream_id };
  return useStreamMutation(stream, (minutes: number) =>
    answered(
      api.POST("/api/v1/stream/{stream_id}/extend", {
        params: { path },
        body: { lifetime_minutes: minutes },
      }),
    ),
  );
}

export function usePause(stream: Stream) {
  const params = { path: { stream_id: stream.stream_id } };
  return useStreamMutation(stream, (paused: boolean) =>
    answered(
      paused
        ? api.POST("/api/v1/stream/{stream_id}/pause", { params })
        : api.POST("/api/v1/stream/{stream_id}/resume", { params }),
    ),
  );
}

function useStreamMutation<Variables = void>(
  stream: Stream,
  mutationFn: (variables: Variables) => Promise<{ stream: Stream }>,
) {
  const client = useQueryClient();
  return useMutation({
    mutationFn,
    onSuccess: (answer) => {
      client.setQueryData(["stream", stream.stream_id], answer.stream);
      void client.invalidateQueries({ queryKey: ["streams"] });
    },
  });
}
