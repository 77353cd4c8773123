import { describe, expect, it } from "vitest";
import type { Job } from "#/api/types";
import { isExpired, outputOf, targetOf } from "#/swap/studio/result";

function job(fields: Partial<Job>): Job {
  return {
    job_id: "j",
    kind: "swap.run",
    is_withheld: false,
    status: "completed",
    progress: { done: 100, total: 100, message: null },
    parameters: { target_name: "家.mp4" },
    result: null,
    error: null,
    items: {},
    attempts: 1,
    cancel_requested: false,
    created_at: "2026-11-29T12:00:00Z",
    started_at: null,
    finished_at: "2026-11-29T12:01:00Z",
    ...fields,
  };
}

const RESULT = {
  media_type: "video/mp4",
  size_bytes: 1024,
  sha256: "ab",
  labels: ["visible", "xmp", "aigc", "c2pa", "watermark"],
  mark: "3f2a9c0d5b7e1846",
  engine: "landmark",
  engine_version: "0.1",
  provider: null,
  faces_swapped: 1,
  frames: 50,
  has_audio: true,
  notes: ["no face in 3 of 50 frames"],
  preview: false,
  expires_at: "2026-11-29T13:01:00+00:00",
};

describe("output of a swap", () => {
  it("is read from the job", () => {
    const output = outputOf(job({ result: RESULT }));
    expect(output).toMatchObject({
      kind: "video",
      labels: RESULT.labels,
      hasAudio: true,
      isPreview: false,
      notes: RESULT.notes,
      provider: null,
    });
    expect(targetOf(job({}))).toBe("家.mp4");
  });

  it("is none of a job that runs, is withheld or does something else", () => {
    expect(outputOf(job({}))).toBeNull();
    expect(outputOf(job({ kind: "gallery.health", result: RESULT }))).toBeNull();
    expect(targetOf(job({ parameters: {} }))).toBe("");
  });

  it("is gone when its time is over", () => {
    const output = outputOf(job({ result: RESULT }));
    if (!output) throw new Error("no output");
    expect(isExpired(output, new Date("2026-11-29T13:00:00Z"))).toBe(false);
    expect(isExpired(output, new Date("2026-11-29T13:01:00Z"))).toBe(true);
  });
});
