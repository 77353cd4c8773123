/**
 * One enhancement from the upload until nothing of it is left on the server. It outlives its page: whoever comes back
 * still sees it. What lies here lies in this tab's memory alone, and so does the token that opens the result.
 */

import { type Problem, ProblemError, problemOf } from "#/api/problem";
import type { Options } from "#/enhance/options";
import type { EnhancementServer } from "#/enhance/server";
import { type Enhancement, isWorking, type PushedEnhancement, type ResultFacts } from "#/enhance/types";

/** The server overwrites a result just after its last byte has left. */
const CLEANED_AFTER_MS = [100, 300, 800, 2000, 4000, 8000];
const READ_EVERY_MS = 400;
const EXPIRED_AFTER_MS = 1500;

export type Fetching =
  | { kind: "none" }
  | { kind: "fetching"; gotBytes: number }
  | { kind: "failed"; problem: Problem }
  | { kind: "here"; blob: Blob; isSaved: boolean };

export interface Accepted {
  kind: "accepted";
  enhancement: Enhancement;
  /** As long as there is one, and still after it was fetched. */
  facts: ResultFacts | null;
  fetching: Fetching;
  /** By `performance.now()`: when the result will be overwritten; null while there is none. */
  expiresAt: number | null;
  isCleaning: boolean;
  /** Why its state cannot be read at the moment. */
  problem: Problem | null;
}

export type RunState =
  | { kind: "empty" }
  | { kind: "sending"; sentBytes: number; totalBytes: number }
  /** All of it is at the server, which has not answered yet. */
  | { kind: "waiting" }
  /** `retryAt` by `performance.now()`; null: the server does not ask to wait. */
  | { kind: "refused"; problem: Problem; retryAt: number | null }
  | Accepted;

export class EnhancementRun {
  #state: RunState = { kind: "empty" };
  #file: File | null = null;
  #options: Options | null = null;
  #token = "";
  /** Every start has its own number: what an earlier one still hears is not listened to. */
  #number = 0;
  #stopper: AbortController | null = null;
  #timers = new Set<ReturnType<typeof setTimeout>>();
  #isReading = false;
  #readAgain = false;
  #leave: (() => void) | null = null;
  readonly #listeners = new Set<() => void>();
  /** Told to watch for changes of the server; the answer ends it. */
  watch: () => () => void = () => () => undefined;

  constructor(
    readonly isBatch: boolean,
    private readonly server: EnhancementServer,
  ) {}

  get state(): RunState {
    return this.#state;
  }

  /** What was sent: the photo as it was before, or the archive. */
  get file(): File | null {
    return this.#file;
  }

  get options(): Options | null {
    return this.#options;
  }

  get token(): string {
    return this.#token;
  }

  /** Whether a closed tab would lose something. */
  get isUnsaved(): boolean {
    const state = this.#state;
    if (state.kind === "sending" || state.kind === "waiting") return true;
    if (state.kind !== "accepted") return false;
    if (state.fetching.kind === "here") return !state.fetching.isSaved;
    return isWorking(state.enhancement) || state.enhancement.status === "completed";
  }

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  async start(file: File, options: Options) {
    this.forget();
    const number = this.#number;
    this.#file = file;
    this.#options = options;
    this.#stopper = new AbortController();
    this.#become({ kind: "sending", sentBytes: 0, totalBytes: file.size });
    try {
      const submitted = await this.server.submit(file, this.isBatch, options, {
        onProgress: (sentBytes, totalBytes) => {
          if (this.#number === number && this.#state.kind === "sending")
            this.#become(
              sentBytes < totalBytes ? { kind: "sending", sentBytes, totalBytes } : { kind: "waiting" },
            );
        },
        signal: this.#stopper.signal,
      });
      if (this.#number !== number) return;
      this.#token = submitted.retrieval_token;
      this.#take(submitted.enhancement);
    } catch (error) {
      if (this.#number !== number) return;
      const problem = problemOf(error);
      const retryAt = problem.retryAfterS === null ? null : performance.now() + 1000 * problem.retryAfterS;
      this.#become({ kind: "refused", problem, retryAt });
    }
  }

  /** Lets go of all of it here; what the server still has expires there by itself. */
  forget() {
    this.#number += 1;
    this.#stopper?.abort();
    this.#stopper = null;
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
    this.#unwatch();
    this.#file = null;
    this.#options = null;
    this.#token = "";
    this.#become({ kind: "empty" });
  }

  /** Lets go of it, and has the server do so too. */
  async discard() {
    const state = this.#state;
    this.forget();
    if (state.kind !== "accepted" || state.enhancement.cleaned_at !== null) return;
    // What cannot be said now the server's own clock does.
    await this.server.clean(state.enhancement.enhancement_id).catch(() => null);
  }

  /** A change that the server pushes. */
  hear(pushed: PushedEnhancement) {
    const state = this.#state;
    if (state.kind !== "accepted" || state.enhancement.enhancement_id !== pushed.enhancement_id) return;
    const { enhancement } = state;
    const hasMoved = pushed.status !== enhancement.status || pushed.done !== enhancement.done;
    if (isWorking(enhancement) && pushed.status === "processing") {
      const photos = enhancement.photos.map((photo) =>
        photo.position === pushed.position && photo.status !== "completed" && photo.status !== "failed"
          ? {
              ...photo,
              status: "processing" as const,
              stage: pushed.stage,
              progress: pushed.photo_progress ?? photo.progress,
            }
          : photo,
      );
      const { status, total } = pushed;
      const progress = Math.max(enhancement.progress, pushed.progress);
      this.#change({ enhancement: { ...enhancement, status, progress, total, photos } });
    }
    // Names, reports and the result are not pushed.
    if (hasMoved) void this.read();
  }

  /** Asks the server how far it is; no more often than every now and then. */
  async read() {
    const state = this.#state;
    if (state.kind !== "accepted") return;
    if (this.#isReading) {
      this.#readAgain = true;
      return;
    }
    const number = this.#number;
    this.#isReading = true;
    try {
      const enhancement = await this.server.read(state.enhancement.enhancement_id);
      if (this.#number === number) this.#take(enhancement);
    } catch (error) {
      if (this.#number === number) this.#change({ problem: problemOf(error) });
    }
    setTimeout(() => {
      this.#isReading = false;
      if (!this.#readAgain) return;
      this.#readAgain = false;
      void this.read();
    }, READ_EVERY_MS);
  }

  /** Into this tab's memory: the server has it once. */
  async fetchResult() {
    const state = this.#state;
    if (state.kind !== "accepted" || state.enhancement.status !== "completed") return;
    if (state.fetching.kind === "fetching" || state.fetching.kind === "here") return;
    const number = this.#number;
    this.#stopper = new AbortController();
    this.#change({ fetching: { kind: "fetching", gotBytes: 0 } });
    try {
      const blob = await this.server.fetchResult(state.enhancement.enhancement_id, this.#token, {
        onProgress: (gotBytes) => {
          if (this.#number === number) this.#change({ fetching: { kind: "fetching", gotBytes } });
        },
        signal: this.#stopper.signal,
      });
      if (this.#number !== number) return;
      this.#change({ fetching: { kind: "here", blob, isSaved: false } });
      for (const delay of CLEANED_AFTER_MS) this.#later(delay, () => this.#readUntilCleaned());
    } catch (error) {
      if (this.#number !== number) return;
      this.#change({ fetching: { kind: "failed", problem: problemOf(error) } });
      // It may be that its time is over.
      if (error instanceof ProblemError) void this.read();
    }
  }

  saved() {
    const state = this.#state;
    if (state.kind === "accepted" && state.fetching.kind === "here")
      this.#change({ fetching: { ...state.fetching, isSaved: true } });
  }

  /** Ends it if it has not ended, and has the server overwrite all of it. */
  async clean() {
    const state = this.#state;
    if (state.kind !== "accepted" || state.isCleaning) return;
    const number = this.#number;
    this.#change({ isCleaning: true });
    try {
      const enhancement = await this.server.clean(state.enhancement.enhancement_id);
      if (this.#number === number) this.#take(enhancement);
    } catch (error) {
      if (this.#number === number) this.#change({ problem: problemOf(error) });
    } finally {
      if (this.#number === number) this.#change({ isCleaning: false });
    }
  }

  #readUntilCleaned() {
    if (this.#state.kind === "accepted" && this.#state.enhancement.cleaned_at === null) void this.read();
  }

  #take(answer: Enhancement) {
    const before = this.#state.kind === "accepted" ? this.#state : null;
    // After a restart of the server the photos are told no more, and what is known of them stays true.
    const photos = answer.photos.length > 0 ? answer.photos : (before?.enhancement.photos ?? []);
    const facts = answer.result ?? before?.facts ?? null;
    this.#become({
      kind: "accepted",
      enhancement: { ...answer, photos },
      facts,
      fetching: before?.fetching ?? { kind: "none" },
      expiresAt: before?.expiresAt ?? this.#expiry(answer),
      isCleaning: before?.isCleaning ?? false,
      problem: null,
    });
    if (answer.cleaned_at === null) this.#leave ??= this.watch();
    else this.#unwatch();
    // A single photo is wanted for looking at it.
    if (!this.isBatch && answer.status === "completed" && this.#isUnfetched) void this.fetchResult();
  }

  get #isUnfetched(): boolean {
    return this.#state.kind === "accepted" && this.#state.fetching.kind === "none";
  }

  /** That a result's time is over is not pushed. The two clocks may differ: only the server's own times are compared. */
  #expiry({ result, finished_at }: Enhancement): number | null {
    if (!result || !finished_at) return null;
    const leftMs = new Date(result.expires_at).getTime() - new Date(finished_at).getTime();
    this.#later(leftMs + EXPIRED_AFTER_MS, () => this.#readUntilCleaned());
    return performance.now() + leftMs;
  }

  #later(delayMs: number, action: () => void) {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      action();
    }, delayMs);
    this.#timers.add(timer);
  }

  #unwatch() {
    this.#leave?.();
    this.#leave = null;
  }

  #change(values: Partial<Omit<Accepted, "kind">>) {
    if (this.#state.kind === "accepted") this.#become({ ...this.#state, ...values });
  }

  #become(state: RunState) {
    this.#state = state;
    for (const listener of this.#listeners) listener();
  }
}
