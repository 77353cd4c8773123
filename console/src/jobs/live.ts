/** Jobs as they are pushed: written into what the queries hold, so that every page shows them at once. */

import { focusManager, type InfiniteData, type QueryClient } from "@tanstack/react-query";
import type { Job } from "#/api/types";
import type { JobEvent } from "#/push/messages";
import type { Staleness } from "#/push/staleness";

const SOON_MS = 150;
/** What is not pushed, such as the items, is read so often while a job runs. */
const WHILE_RUNNING_MS = 2000;

export function applyJobEvent(client: QueryClient, staleness: Staleness, event: JobEvent) {
  const jobId = event.job.job_id;
  client.setQueryData<Job>(["job", jobId], (job) => job && patched(job, event));
  client.setQueriesData<JobsData>({ queryKey: ["jobs"] }, (data) => data && patchedAll(data, event));
  if (event.event_id === undefined) {
    staleness.soon(["job", jobId], WHILE_RUNNING_MS);
    return;
  }
  // An answer that is on its way may be older than this: it is asked for once more.
  staleness.soon(["job", jobId], SOON_MS);
  staleness.soon(["jobs"], SOON_MS);
}

/** What a page shows, unless it cannot change any more; a slow answer is waited for. */
export function pollJobs(client: QueryClient) {
  if (!focusManager.isFocused()) return;
  void client.refetchQueries(
    {
      type: "active",
      predicate: ({ queryKey, state }) =>
        queryKey[0] === "jobs" || (queryKey[0] === "job" && !isOver(queryKey, state.data)),
    },
    { cancelRefetch: false },
  );
}

/** What the queries below `jobs` hold: pages, the newest of a kind, or one. */
type JobsData = InfiniteData<{ jobs: Job[] }> | Job[] | Job | null;

function patchedAll(data: NonNullable<JobsData>, event: JobEvent): JobsData {
  if (Array.isArray(data)) return data.map((job) => patched(job, event));
  if ("pages" in data) {
    const pages = data.pages.map((page) => ({ ...page, jobs: page.jobs.map((job) => patched(job, event)) }));
    return { ...data, pages };
  }
  return patched(data, event);
}

function patched(job: Job, { job: pushed, event_id: eventId }: JobEvent): Job {
  if (job.job_id !== pushed.job_id) return job;
  // Progress may arrive after the end that it led to.
  if (eventId === undefined && job.finished_at !== null) return job;
  const { status, done, total, message, error, finished_at } = pushed;
  return {
    ...job,
    status,
    progress: { done, total, message },
    error,
    finished_at,
  };
}

/** The items of a job are asked for under the moment it ended. */
function isOver(queryKey: readonly unknown[], data: unknown): boolean {
  const items = queryKey[3];
  if (typeof items === "object" && items !== null && "finishedAt" in items) return items.finishedAt !== null;
  return (data as Job | undefined)?.finished_at != null;
}
