/** The enhancements of this tab: one photo and one batch, and the one connection that both are watched by. */

import { useSyncExternalStore } from "react";
import { currentSession, onSession } from "#/api/session";
import { EnhancementRun } from "#/enhance/run";
import { enhancementServer } from "#/enhance/server";
import { openChannel } from "#/push/use-channel";

export const photoRun = new EnhancementRun(false, enhancementServer);
export const batchRun = new EnhancementRun(true, enhancementServer);
const runs = [photoRun, batchRun];

const channel = openChannel("/api/v1/ws/enhance", {
  onEvent: (told) => {
    const task = told.type === "job" ? told.task : undefined;
    if (task && "enhancement_id" in task) for (const run of runs) run.hear(task);
  },
  onGap: readAll,
  onPoll: readAll,
});

for (const run of runs) run.watch = () => channel.join();

onSession(() => {
  if (currentSession().kind === "anonymous") for (const run of runs) run.forget();
});

function readAll() {
  for (const run of runs) void run.read();
}

export function useRun(run: EnhancementRun) {
  return useSyncExternalStore(run.subscribe, () => run.state);
}

export function useIsLive(): boolean {
  return useSyncExternalStore(channel.subscribe, () => channel.state === "live");
}
