import { Staleness } from "#/push/staleness";
import { channelHook } from "#/push/use-channel";
import { applyStreamEvent, pollStreamEvents } from "#/streams/live";

/** Watches who comes and goes in the streams; true while the server pushes it. */
export const useLiveEvents = channelHook("/api/v1/ws/streams", (client) => {
  const staleness = new Staleness(client);
  return {
    onEvent: (message) => message.type === "event" && applyStreamEvent(client, message),
    onGap: () => staleness.soon(["stream-events"], 0),
    onPoll: () => pollStreamEvents(client),
  };
});
