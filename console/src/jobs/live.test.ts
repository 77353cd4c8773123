import { QueryClient, QueryObserver } from "@tanstack/react-query";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Job } from "#/api/types";
import { applyJobEvent, pollJobs } from "#/jobs/live";
import type { JobEvent, PushedJob } from "#/push/messages";
import { Staleness } from "#/push/staleness";

function job(id: string, values: Partial<Job> = {}): Job {
  return {
    job_id: id,
    kind: "gallery.health",
    is_withheld: false,
    status: "processing",
    progress: { done: 1, total: 9, message: null },
    parameters: { pack: "dlib@1" },
    result: null,
    error: null,
    items: { embedded: 1 },
    attempts: 1,
    cancel_requested: false,
    created_at: "2026-01-01T00:00:00Z",
    started_at: "2026-01-01T00:00:01Z",
    finished_at: null,
    ...values,
  };
}

function event(id: string, values: Partial<PushedJob> = {}, eventId?: number): JobEvent {
  const pushed: PushedJob = {
    job_id: id,
    kind: "gallery.health",
    status: "processing",
    done: 5,
    total: 9,
    message: "halfway",
    error: null,
    created_at: "2026-01-01T00:00:00Z",
    finished_at: null,
    ...values,
  };
  return { type: "job", ...(eventId !== undefined && { event_id: eventId }), job: pushed };
}

const ended = { status: "completed", done: 9, finished_at: "2026-01-01T00:01:00Z" } as const;

let client: QueryClient;
let staleness: Staleness;
const apply = (one: JobEvent) => applyJobEvent(client, staleness, one);

/** A query that a page shows; the answer counts how often the server was asked. */
function watched(queryKey: unknown[], data: unknown) {
  const queryFn = vi.fn(async () => data);
  const observer = new QueryObserver(client, { queryKey, queryFn, staleTime: Number.POSITIVE_INFINITY });
  observer.subscribe(() => undefined);
  return queryFn;
}

beforeEach(() => {
  vi.useFakeTimers();
  client = new QueryClient();
  staleness = new Staleness(client);
});

afterEach(() => {
  client.clear();
  vi.useRealTimers();
});

describe("a pushed job", () => {
  it("is written wherever it is shown: alone, in pages, among the newest, as the newest", () => {
    client.setQueryData(["job", "a"], job("a"));
    client.setQueryData(["jobs", { status: null }], {
      pages: [{ jobs: [job("b"), job("a")] }],
      pageParams: [""],
    });
    client.setQueryData(["jobs", { kind: "k", limit: 50 }], [job("a")]);
    client.setQueryData(["jobs", { kind: "k", limit: 1 }], job("a"));
    apply(event("a"));
    const progress = { done: 5, total: 9, message: "halfway" };
    expect(client.getQueryData<Job>(["job", "a"])).toEqual(job("a", { progress }));
    const pages = client.getQueryData<{ pages: { jobs: Job[] }[] }>(["jobs", { status: null }]);
    expect(pages?.pages[0]?.jobs).toEqual([job("b"), job("a", { progress })]);
    expect(client.getQueryData(["jobs", { kind: "k", limit: 50 }])).toEqual([job("a", { progress })]);
    expect(client.getQueryData(["jobs", { kind: "k", limit: 1 }])).toEqual(job("a", { progress }));
  });

  it("keeps what is not pushed", () => {
    client.setQueryData(["job", "a"], job("a"));
    apply(event("a", ended, 3));
    expect(client.getQueryData<Job>(["job", "a"])).toMatchObject({
      parameters: { pack: "dlib@1" },
      items: { embedded: 1 },
      status: "completed",
    });
  });

  it("does not come to life again by a progress that arrives after its end", () => {
    client.setQueryData(["job", "a"], job("a"));
    apply(event("a", ended, 3));
    apply(event("a"));
    expect(client.getQueryData<Job>(["job", "a"])?.status).toBe("completed");
  });

  it("runs again when it is retried", () => {
    client.setQueryData(["job", "a"], job("a", { ...ended, error: null }));
    apply(event("a", { status: "pending", done: 0 }, 4));
    expect(client.getQueryData<Job>(["job", "a"])).toMatchObject({ status: "pending", finished_at: null });
  });

  it("makes no data where nothing was asked", () => {
    apply(event("a", ended, 3));
    expect(client.getQueryData(["job", "a"])).toBeUndefined();
  });
});

describe("the server", () => {
  it("is asked once more after a change, since the result and the items are not pushed", async () => {
    const one = watched(["job", "a"], job("a"));
    const items = watched(["job", "a", "items", { status: null, finishedAt: null }], []);
    const other = watched(["job", "b"], job("b"));
    const list = watched(["jobs", { kind: "k", limit: 1 }], null);
    await vi.advanceTimersByTimeAsync(0);
    apply(event("a", {}, 1));
    apply(event("a", ended, 2));
    await vi.advanceTimersByTimeAsync(1000);
    expect([one, items, other, list].map((asked) => asked.mock.calls.length)).toEqual([2, 2, 1, 2]);
  });

  it("is not asked at each progress", async () => {
    const one = watched(["job", "a"], job("a"));
    await vi.advanceTimersByTimeAsync(0);
    for (let done = 0; done < 40; done += 1) {
      apply(event("a", { done }));
      await vi.advanceTimersByTimeAsync(100);
    }
    expect(one.mock.calls.length).toBeLessThanOrEqual(3);
  });

  it("has the last word even when an older answer was on its way at the end", async () => {
    const answers: ((one: Job) => void)[] = [];
    const observer = new QueryObserver(client, {
      queryKey: ["job", "a"],
      queryFn: () => new Promise<Job>((resolve) => answers.push(resolve)),
    });
    observer.subscribe(() => undefined);
    await vi.advanceTimersByTimeAsync(0);
    apply(event("a", ended, 2));
    await vi.advanceTimersByTimeAsync(200);
    answers[0]?.(job("a"));
    await vi.advanceTimersByTimeAsync(0);
    answers[1]?.(job("a", { ...ended, result: { found: 1 } }));
    await vi.advanceTimersByTimeAsync(0);
    expect(client.getQueryData<Job>(["job", "a"])).toMatchObject({
      status: "completed",
      result: { found: 1 },
    });
  });

  it("is polled for what may still change, and for nothing else", async () => {
    const running = watched(["job", "a"], job("a"));
    const over = watched(["job", "b"], job("b", ended));
    const itemsOver = watched(["job", "b", "items", { status: null, finishedAt: ended.finished_at }], []);
    const list = watched(["jobs", { kind: "k", limit: 1 }], null);
    const people = watched(["persons"], []);
    await vi.advanceTimersByTimeAsync(0);
    pollJobs(client);
    await vi.advanceTimersByTimeAsync(0);
    const calls = [running, over, itemsOver, list, people].map((asked) => asked.mock.calls.length);
    expect(calls).toEqual([2, 1, 1, 2, 1]);
  });
});
