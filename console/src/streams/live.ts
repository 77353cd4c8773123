/** Events of streams as they are pushed: put on top of the lists that are shown. */

import { focusManager, type InfiniteData, type QueryClient } from "@tanstack/react-query";
import type { StreamEventMessage } from "#/push/messages";
import { isOver, type Stream, type StreamEventsPage } from "#/streams/types";

type Pages = InfiniteData<StreamEventsPage>;

export function applyStreamEvent(client: QueryClient, { event }: StreamEventMessage) {
  client.setQueryData<Pages>(["stream-events", event.stream_id], (list) => {
    const [newest, ...older] = list?.pages ?? [];
    if (!list || !newest) return list;
    if (list.pages.some(({ events }) => events.some((known) => known.event_id === event.event_id)))
      return list;
    return { ...list, pages: [{ ...newest, events: [event, ...newest.events] }, ...older] };
  });
}

/** Of streams that are shown and go on. */
export function pollStreamEvents(client: QueryClient) {
  if (!focusManager.isFocused()) return;
  for (const { queryKey } of client
    .getQueryCache()
    .findAll({ queryKey: ["stream-events"], type: "active" })) {
    const stream = client.getQueryData<Stream>(["stream", queryKey[1]]);
    if (stream && isOver(stream)) continue;
    void client.refetchQueries({ queryKey, exact: true }, { cancelRefetch: false });
  }
}
