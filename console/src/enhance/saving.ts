import type { EnhancementRun } from "#/enhance/run";

/** Far longer than a browser takes to begin with it. */
const KEPT_MS = 60_000;

/** Hands the result over to the browser's downloads; the copy in memory stays. */
export function save(run: EnhancementRun) {
  const { state } = run;
  if (state.kind !== "accepted" || state.fetching.kind !== "here") return;
  const url = URL.createObjectURL(state.fetching.blob);
  const link = document.createElement("a");
  link.href = url;
  link.download = state.facts?.file_name ?? run.file?.name ?? "";
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), KEPT_MS);
  run.saved();
}
