/** The runs in the background as they are pushed: their results are read as soon as there are any. */

import { focusManager, type QueryClient } from "@tanstack/react-query";
import type { InferenceTask } from "#/images/types";
import type { JobEvent } from "#/push/messages";
import type { Staleness } from "#/push/staleness";

const SOON_MS = 50;

export function applyTaskEvent(client: QueryClient, staleness: Staleness, event: JobEvent) {
  const { task } = event;
  if (!task || !("task_id" in task) || event.event_id === undefined) return;
  client.setQueryData<InferenceTask[]>(["inference-tasks"], (tasks) =>
    tasks?.map((known) => (known.task_id === task.task_id ? task : known)),
  );
  staleness.soon(["inference-tasks"], SOON_MS);
  if (task.status === "completed") staleness.soon(["image-results", task.image_id], SOON_MS);
}

/** As long as a run of those that are shown may still come to something. */
export function pollTasks(client: QueryClient) {
  if (!focusManager.isFocused()) return;
  const tasks = client.getQueryData<InferenceTask[]>(["inference-tasks"]);
  if (tasks?.every((task) => task.finished_at !== null)) return;
  for (const queryKey of [["inference-tasks"], ["image-results"]])
    void client.refetchQueries({ queryKey, type: "active" }, { cancelRefetch: false });
}
