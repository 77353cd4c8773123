/** The upload of a bulk enrolment. It outlives its page: whoever leaves and comes back still sees it. */

import { type Problem, problemOf } from "#/api/problem";
import type { Job } from "#/api/types";
import { upload } from "#/api/upload";
import { fieldsOf, type Options } from "#/gallery/bulk/options";
import type { Selection } from "#/gallery/bulk/selection";

const PATH = "/api/v1/faces/batch";

export type UploadState =
  | { kind: "idle" }
  | { kind: "sending"; sentBytes: number; totalBytes: number }
  | { kind: "failed"; problem: Problem };

let state: UploadState = { kind: "idle" };
let stopper: AbortController | null = null;
const listeners = new Set<() => void>();

export function uploadState(): UploadState {
  return state;
}

export function onUpload(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function stopUpload() {
  stopper?.abort();
}

export function forgetFailure() {
  if (state.kind === "failed") become({ kind: "idle" });
}

/** The job it became; null when it was stopped or failed, which the state then says. */
export async function startUpload(selection: Selection, options: Options, key: string): Promise<Job | null> {
  const stop = new AbortController();
  stopper = stop;
  become({ kind: "sending", sentBytes: 0, totalBytes: 0 });
  try {
    const answer = await upload(PATH, formOf(selection, options), {
      headers: { "Idempotency-Key": key },
      onProgress: (sentBytes, totalBytes) => become({ kind: "sending", sentBytes, totalBytes }),
      signal: stop.signal,
    });
    become({ kind: "idle" });
    return (answer as { job: Job }).job;
  } catch (error) {
    become(stop.signal.aborted ? { kind: "idle" } : { kind: "failed", problem: problemOf(error) });
    return null;
  }
}

/** Names one upload, so that sending it again after a lost answer starts no second job. */
export function newUploadKey(): string {
  // randomUUID is missing on pages that were not opened over HTTPS.
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

function formOf(selection: Selection, options: Options): FormData {
  const form = new FormData();
  // First, so that the server can refuse wrong ones before it has read gigabytes.
  for (const [name, value] of fieldsOf(options)) form.append(name, value);
  if (selection.kind === "archive") form.append("archive", selection.file, selection.file.name);
  else {
    if (selection.manifest) form.append("manifest", selection.manifest, selection.manifest.name);
    for (const { file, path } of selection.photos) form.append("image", file, path);
  }
  return form;
}

function become(next: UploadState) {
  state = next;
  for (const listener of listeners) listener();
}
