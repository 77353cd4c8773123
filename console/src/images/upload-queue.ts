/** Pictures on their way to the server, a few at a time. The queue outlives its page: whoever comes back still sees it. */

import { type Problem, problemOf } from "#/api/problem";

const AT_ONCE = 2;

export type UploadState =
  | { kind: "waiting" }
  | { kind: "sending"; sentBytes: number; totalBytes: number }
  | { kind: "done" }
  | { kind: "failed"; problem: Problem };

export interface QueuedUpload {
  key: number;
  file: File;
  state: UploadState;
}

export interface SendOptions {
  onProgress: (sentBytes: number, totalBytes: number) => void;
  signal: AbortSignal;
}

export class UploadQueue {
  #uploads: readonly QueuedUpload[] = [];
  #nextKey = 1;
  readonly #stoppers = new Map<number, AbortController>();
  readonly #listeners = new Set<() => void>();
  /** Told of every picture that has arrived. */
  onArrived: () => void = () => undefined;

  constructor(private readonly send: (file: File, options: SendOptions) => Promise<unknown>) {}

  get uploads(): readonly QueuedUpload[] {
    return this.#uploads;
  }

  get isBusy(): boolean {
    return this.#uploads.some(({ state }) => state.kind === "waiting" || state.kind === "sending");
  }

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  add(files: File[]) {
    const fresh = files.map((file) => ({ key: this.#nextKey++, file, state: { kind: "waiting" } as const }));
    // What has arrived is seen among the pictures; what failed stays until somebody has decided about it.
    const kept = this.isBusy ? this.#uploads : this.#uploads.filter(({ state }) => state.kind === "failed");
    this.#become([...kept, ...fresh]);
    this.#sendMore();
  }

  retry(key: number) {
    this.#change(key, { kind: "waiting" });
    this.#sendMore();
  }

  /** Stops it, or forgets that it failed. */
  remove(key: number) {
    this.#become(this.#uploads.filter((upload) => upload.key !== key));
    this.#stoppers.get(key)?.abort();
    this.#clearWhenDone();
  }

  /** Whoever was logged in is not any more. */
  clear() {
    for (const stopper of this.#stoppers.values()) stopper.abort();
    this.#become([]);
  }

  #sendMore() {
    for (const upload of this.#uploads) {
      if (this.#stoppers.size >= AT_ONCE) return;
      if (upload.state.kind === "waiting") void this.#sendOne(upload);
    }
  }

  async #sendOne({ key, file }: QueuedUpload) {
    const stopper = new AbortController();
    this.#stoppers.set(key, stopper);
    this.#change(key, { kind: "sending", sentBytes: 0, totalBytes: file.size });
    try {
      await this.send(file, {
        onProgress: (sentBytes, totalBytes) => this.#change(key, { kind: "sending", sentBytes, totalBytes }),
        signal: stopper.signal,
      });
      this.#change(key, { kind: "done" });
      this.onArrived();
    } catch (error) {
      if (!stopper.signal.aborted) this.#change(key, { kind: "failed", problem: problemOf(error) });
    } finally {
      this.#stoppers.delete(key);
      this.#sendMore();
      this.#clearWhenDone();
    }
  }

  #clearWhenDone() {
    if (!this.isBusy && this.#uploads.every(({ state }) => state.kind === "done")) this.#become([]);
  }

  #change(key: number, state: UploadState) {
    this.#become(this.#uploads.map((upload) => (upload.key === key ? { ...upload, state } : upload)));
  }

  #become(uploads: readonly QueuedUpload[]) {
    this.#uploads = uploads;
    for (const listener of this.#listeners) listener();
  }
}
