import { QueryClient, QueryObserver } from "@tanstack/react-query";
import { describe, expect, it } from "vitest";
import type { StreamEventMessage } from "#/push/messages";
import { applyStreamEvent, pollStreamEvents } from "#/streams/live";
import type { Stream, StreamEvent, StreamEventsPage } from "#/streams/types";

const eventOf = (id: string, streamId = "s") => ({ event_id: id, stream_id: streamId }) as StreamEvent;
const pushed = (id: string, streamId = "s"): StreamEventMessage => ({
  type: "event",
  event_id: 1,
  event: eventOf(id, streamId),
});
const page = (...ids: string[]): StreamEventsPage => ({
  events: ids.map((id) => eventOf(id)),
  next_cursor: null,
  request_id: "r",
});

function clientWith(...pages: StreamEventsPage[]) {
  const client = new QueryClient();
  client.setQueryData(["stream-events", "s"], { pages, pageParams: pages.map(() => "") });
  const shown = () =>
    client
      .getQueryData<{ pages: StreamEventsPage[] }>(["stream-events", "s"])
      ?.pages.map(({ events }) => events.map((event) => event.event_id));
  return { client, shown };
}

describe("a pushed event", () => {
  it("comes on top of the newest page", () => {
    const { client, shown } = clientWith(page("b", "a"), page("z"));
    applyStreamEvent(client, pushed("c"));
    applyStreamEvent(client, pushed("d"));
    expect(shown()).toEqual([["d", "c", "b", "a"], ["z"]]);
  });

  it("that was read already is not shown twice", () => {
    const { client, shown } = clientWith(page("b"), page("a"));
    applyStreamEvent(client, pushed("a"));
    expect(shown()).toEqual([["b"], ["a"]]);
  });

  it("of another stream, or of one that is not shown, changes nothing", () => {
    const { client, shown } = clientWith(page("a"));
    applyStreamEvent(client, pushed("b", "other"));
    expect(shown()).toEqual([["a"]]);
    expect(client.getQueryData(["stream-events", "other"])).toBeUndefined();
  });
});

describe("without push", () => {
  const asked = async (feed: string | null) => {
    let times = 0;
    const client = new QueryClient();
    client.setQueryData(["stream", "s"], { feed_url: feed, health: {} } as unknown as Stream);
    const observer = new QueryObserver(client, {
      queryKey: ["stream-events", "s"],
      queryFn: () => {
        times += 1;
        return page("a");
      },
    });
    const leave = observer.subscribe(() => undefined);
    await observer.refetch();
    const before = times;
    pollStreamEvents(client);
    await new Promise((resolve) => setTimeout(resolve, 0));
    leave();
    return times - before;
  };

  it("the events of a stream that goes on are asked for, those of one that is over are not", async () => {
    expect(await asked("/feed")).toBe(1);
    expect(await asked(null)).toBe(0);
  });
});
