import { applyTaskEvent, pollTasks } from "#/images/live";
import { Staleness } from "#/push/staleness";
import { channelHook } from "#/push/use-channel";

/** Watches one's own runs in the background; true while the server pushes them. */
export const useLiveTasks = channelHook("/api/v1/ws/inference", (client) => {
  const staleness = new Staleness(client);
  return {
    onEvent: (event) => event.type === "job" && applyTaskEvent(client, staleness, event),
    onGap: () => {
      for (const key of ["inference-tasks", "image-results"]) staleness.soon([key], 0);
    },
    onPoll: () => pollTasks(client),
  };
});
