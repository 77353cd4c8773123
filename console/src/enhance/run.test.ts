import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ProblemError, parseProblem } from "#/api/problem";
import { defaultOptions } from "#/enhance/options";
import { type Accepted, EnhancementRun } from "#/enhance/run";
import type { EnhancementServer } from "#/enhance/server";
import type { Enhancement, EnhancementPhoto, PushedEnhancement } from "#/enhance/types";

const PHOTO: EnhancementPhoto = {
  position: 0,
  name: "a.jpg",
  size_bytes: 2,
  status: "pending",
  stage: null,
  progress: 0,
  output_name: null,
  output_size_bytes: null,
  report: null,
  error: null,
};

const enhancement = (values: Partial<Enhancement> = {}): Enhancement => ({
  enhancement_id: "e",
  is_batch: false,
  status: "processing",
  progress: 0,
  done: 0,
  total: 1,
  estimated_s: 2,
  options: null,
  photos: [PHOTO],
  result: null,
  error: null,
  created_at: "2026-11-29T12:00:00Z",
  started_at: null,
  finished_at: null,
  cleaned_at: null,
  cleaned_by: null,
  ...values,
});

const completed = enhancement({
  status: "completed",
  progress: 1,
  done: 1,
  finished_at: "2026-11-29T12:00:10Z",
  result: {
    url: "/api/v1/enhance/e/result",
    file_name: "a.jpg",
    media_type: "image/jpeg",
    size_bytes: 3,
    expires_at: "2026-11-29T12:05:10Z",
  },
});

const cleaned = (by: Enhancement["cleaned_by"]) =>
  enhancement({
    ...completed,
    status: "cleaned",
    result: null,
    cleaned_at: "2026-11-29T12:00:11Z",
    cleaned_by: by,
  });

const pushed = (values: Partial<PushedEnhancement>): PushedEnhancement => ({
  enhancement_id: "e",
  status: "processing",
  progress: 0.5,
  done: 0,
  total: 1,
  failed: 0,
  position: 0,
  stage: "upscaling",
  photo_progress: 0.5,
  ...values,
});

const refusal = (status: number, code: string, retryAfter: string | null = null) =>
  new ProblemError(parseProblem(status, { code, title: code }, retryAfter));

/** What the server answers next, and what it was asked. */
let answers: Enhancement[];
let first: Enhancement | Error;
let fetched: (Blob | Error)[];
let asked: string[];
let watchers: number;

const server: EnhancementServer = {
  submit: async (_file, _isBatch, _options, { onProgress }) => {
    onProgress(1, 2);
    onProgress(2, 2);
    if (first instanceof Error) throw first;
    return { enhancement: first, retrieval_token: "token", request_id: "r" };
  },
  read: async () => {
    asked.push("read");
    return answers.length > 1 ? (answers.shift() as Enhancement) : (answers[0] as Enhancement);
  },
  fetchResult: async (_id, token, { onProgress }) => {
    asked.push(`fetch ${token}`);
    const next = fetched.shift();
    if (!next || next instanceof Error) throw next ?? new Error("nothing");
    onProgress(next.size);
    return next;
  },
  clean: async () => {
    asked.push("clean");
    return cleaned("deleted");
  },
};

function newRun(isBatch: boolean): EnhancementRun {
  const run = new EnhancementRun(isBatch, server);
  run.watch = () => {
    watchers += 1;
    return () => {
      watchers -= 1;
    };
  };
  return run;
}

const begun = async (run: EnhancementRun) => {
  await run.start(new File(["12"], "a.jpg"), defaultOptions);
  await vi.advanceTimersByTimeAsync(0);
};

function accepted(run: EnhancementRun): Accepted {
  if (run.state.kind !== "accepted") throw new Error(run.state.kind);
  return run.state;
}

beforeEach(() => {
  vi.useFakeTimers();
  answers = [cleaned("retrieved")];
  first = enhancement();
  fetched = [new Blob(["123"])];
  asked = [];
  watchers = 0;
});

afterEach(() => vi.useRealTimers());

describe("a photo", () => {
  it("that is quick is fetched at once, and asked about until the server has nothing of it", async () => {
    first = completed;
    answers = [completed, cleaned("retrieved")];
    const run = newRun(false);
    await begun(run);
    expect(asked).toEqual(["fetch token"]);
    expect(accepted(run).fetching).toMatchObject({ kind: "here", isSaved: false });
    expect(watchers).toBe(1);
    await vi.advanceTimersByTimeAsync(1000);
    expect(accepted(run).enhancement).toMatchObject({ status: "cleaned", cleaned_by: "retrieved" });
    expect(accepted(run).facts?.file_name).toBe("a.jpg");
    expect(watchers).toBe(0);
    const count = asked.length;
    await vi.advanceTimersByTimeAsync(600_000);
    expect(asked).toHaveLength(count);
  });

  it("moves on by what is pushed, and is read anew when its state changes", async () => {
    const run = newRun(false);
    await begun(run);
    run.hear(pushed({ progress: 0.4 }));
    run.hear(pushed({ progress: 0.3, enhancement_id: "another" }));
    expect(accepted(run).enhancement).toMatchObject({ progress: 0.4, photos: [{ stage: "upscaling" }] });
    expect(asked).toEqual([]);
    answers = [completed];
    run.hear(pushed({ status: "completed", done: 1, progress: 1, position: null }));
    await vi.advanceTimersByTimeAsync(0);
    expect(asked).toEqual(["read", "fetch token"]);
  });

  it("is unsaved until it was saved", async () => {
    first = completed;
    const run = newRun(false);
    expect(run.isUnsaved).toBe(false);
    await begun(run);
    expect(run.isUnsaved).toBe(true);
    run.saved();
    expect(run.isUnsaved).toBe(false);
  });

  it("whose transfer breaks off can be fetched again", async () => {
    first = completed;
    fetched = [new TypeError("network"), new Blob(["123"])];
    const run = newRun(false);
    await begun(run);
    expect(accepted(run).fetching).toMatchObject({ kind: "failed", problem: { code: "server_unreachable" } });
    await run.fetchResult();
    expect(accepted(run).fetching.kind).toBe("here");
  });

  it("that is gone when it is fetched says why", async () => {
    first = completed;
    fetched = [refusal(410, "enhancement_gone")];
    answers = [cleaned("expired")];
    const run = newRun(false);
    await begun(run);
    expect(accepted(run)).toMatchObject({
      fetching: { kind: "failed", problem: { code: "enhancement_gone" } },
      enhancement: { cleaned_by: "expired" },
    });
  });

  it("that is refused says when it may be sent again", async () => {
    first = refusal(503, "server_busy", "12");
    const run = newRun(false);
    await begun(run);
    expect(run.state).toMatchObject({ kind: "refused", problem: { code: "server_busy" } });
    expect(run.state.kind === "refused" && run.state.retryAt).toBeCloseTo(performance.now() + 12_000, -2);
    expect(watchers).toBe(0);
  });
});

describe("a batch", () => {
  it("waits for its owner, and is asked about when its time is over", async () => {
    first = completed;
    answers = [cleaned("expired")];
    const run = newRun(true);
    await begun(run);
    await vi.advanceTimersByTimeAsync(300_000);
    expect(asked).toEqual([]);
    await vi.advanceTimersByTimeAsync(2000);
    expect(asked).toEqual(["read"]);
    expect(accepted(run).enhancement.cleaned_by).toBe("expired");
  });

  it("keeps what it knows of its photos when the server tells them no more", async () => {
    first = enhancement({ photos: [{ ...PHOTO, status: "completed" }] });
    answers = [enhancement({ status: "failed", photos: [] })];
    const run = newRun(true);
    await begun(run);
    await run.read();
    expect(accepted(run).enhancement).toMatchObject({ status: "failed", photos: [{ status: "completed" }] });
  });

  it("is read a few times a second at most, and not once too few", async () => {
    const run = newRun(true);
    answers = [enhancement()];
    await begun(run);
    for (let done = 1; done <= 10; done += 1) run.hear(pushed({ done }));
    await vi.advanceTimersByTimeAsync(1);
    expect(asked).toEqual(["read"]);
    await vi.advanceTimersByTimeAsync(450);
    expect(asked).toEqual(["read", "read"]);
  });
});

describe("what is no longer wanted", () => {
  it("is overwritten early when its owner says so", async () => {
    const run = newRun(false);
    await begun(run);
    await run.clean();
    expect(accepted(run).enhancement).toMatchObject({ status: "cleaned", cleaned_by: "deleted" });
    expect(watchers).toBe(0);
  });

  it("is let go of, and the server told so where it still has something", async () => {
    const run = newRun(true);
    first = completed;
    await begun(run);
    await run.discard();
    expect(asked).toEqual(["clean"]);
    expect(run.state.kind).toBe("empty");
    expect(run.file).toBeNull();
    expect(watchers).toBe(0);
    await run.discard();
    expect(asked).toEqual(["clean"]);
  });

  it("is not listened to when another has begun", async () => {
    const run = newRun(false);
    const earlier = run.start(new File(["1"], "old.jpg"), defaultOptions);
    first = completed;
    await begun(run);
    await earlier;
    expect(run.file?.name).toBe("a.jpg");
    expect(asked.filter((one) => one.startsWith("fetch"))).toHaveLength(1);
  });
});
