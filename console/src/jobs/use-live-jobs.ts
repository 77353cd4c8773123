import { applyJobEvent, pollJobs } from "#/jobs/live";
import { Staleness } from "#/push/staleness";
import { channelHook } from "#/push/use-channel";

/** Watches the jobs; true while the server pushes them. */
export const useLiveJobs = channelHook("/api/v1/ws/jobs", (client) => {
  const staleness = new Staleness(client);
  return {
    onEvent: (event) => event.type === "job" && applyJobEvent(client, staleness, event),
    onGap: () => {
      for (const key of ["job", "jobs"]) staleness.soon([key], 0);
    },
    onPoll: () => pollJobs(client),
  };
});
