import { beforeEach, describe, expect, it } from "vitest";
import { ProblemError, parseProblem } from "#/api/problem";
import { type SendOptions, UploadQueue } from "#/images/upload-queue";

interface Sending extends SendOptions {
  name: string;
  finish: () => void;
  fail: (error: unknown) => void;
}

let sendings: Sending[];
let arrived: number;
let queue: UploadQueue;

const picture = (name: string) => new File(["1234"], name, { type: "image/png" });
const settled = () => new Promise((resolve) => setTimeout(resolve));
const states = () => queue.uploads.map(({ file, state }) => `${file.name} ${state.kind}`);
const sendingOf = (name: string) => {
  const sending = sendings.findLast((one) => one.name === name);
  if (!sending) throw new Error(`${name} is not being sent`);
  return sending;
};

beforeEach(() => {
  sendings = [];
  arrived = 0;
  queue = new UploadQueue(
    (file, options) =>
      new Promise((resolve, reject) => {
        sendings.push({ ...options, name: file.name, finish: () => resolve(null), fail: reject });
        options.signal.addEventListener("abort", () => reject(new DOMException("stopped", "AbortError")));
      }),
  );
  queue.onArrived = () => {
    arrived += 1;
  };
});

describe("the upload queue", () => {
  it("sends two at a time, each with its own progress", async () => {
    queue.add(["a", "b", "c"].map(picture));
    expect(states()).toEqual(["a sending", "b sending", "c waiting"]);
    sendingOf("b").onProgress(3, 4);
    expect(queue.uploads[1]?.state).toEqual({ kind: "sending", sentBytes: 3, totalBytes: 4 });
    expect(queue.uploads[0]?.state).toEqual({ kind: "sending", sentBytes: 0, totalBytes: 4 });
    sendingOf("a").finish();
    await settled();
    expect(states()).toEqual(["a done", "b sending", "c sending"]);
    expect(arrived).toBe(1);
  });

  it("is empty again when all have arrived", async () => {
    queue.add(["a", "b"].map(picture));
    sendingOf("a").finish();
    sendingOf("b").finish();
    await settled();
    expect(states()).toEqual([]);
    expect(arrived).toBe(2);
    expect(queue.isBusy).toBe(false);
  });

  it("keeps what was refused, with the reason, and goes on with the others", async () => {
    queue.add(["a", "b", "c"].map(picture));
    const body = { code: "image_format_unsupported", title: "Image format not supported" };
    sendingOf("a").fail(new ProblemError(parseProblem(415, body)));
    await settled();
    expect(states()).toEqual(["a failed", "b sending", "c sending"]);
    const [first] = queue.uploads;
    expect(first?.state.kind === "failed" && first.state.problem.code).toBe("image_format_unsupported");
    sendingOf("b").finish();
    sendingOf("c").finish();
    await settled();
    queue.add([picture("d")]);
    expect(states()).toEqual(["a failed", "d sending"]);
  });

  it("tries again what failed", async () => {
    queue.add([picture("a")]);
    sendingOf("a").fail(new TypeError("cut off"));
    await settled();
    queue.retry(queue.uploads[0]?.key ?? 0);
    expect(states()).toEqual(["a sending"]);
    sendingOf("a").finish();
    await settled();
    expect(states()).toEqual([]);
  });

  it("stops one, which then is no failure, and takes the next", async () => {
    queue.add(["a", "b", "c"].map(picture));
    queue.remove(queue.uploads[0]?.key ?? 0);
    await settled();
    expect(states()).toEqual(["b sending", "c sending"]);
    expect(sendingOf("a").signal.aborted).toBe(true);
    expect(arrived).toBe(0);
  });

  it("is cleared with its user, and nothing of it goes on", async () => {
    queue.add(["a", "b", "c"].map(picture));
    queue.clear();
    await settled();
    expect(states()).toEqual([]);
    expect(sendings.map(({ name, signal }) => [name, signal.aborted])).toEqual([
      ["a", true],
      ["b", true],
    ]);
  });
});
