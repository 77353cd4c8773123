import { describe, expect, it } from "vitest";
import type { Coverage, Job, Shadow } from "#/api/types";
import { adviceOf, jobOf, judgedFaces, refusedCoverage, sharesOf } from "#/packs/labels";

const coverage: Coverage = {
  images: 200,
  embedded: 150,
  failed: 10,
  missing: 40,
  persons: 50,
  persons_covered: 40,
  is_complete: false,
};
const complete: Coverage = { ...coverage, embedded: 190, missing: 0, is_complete: true };

function shadow(values: Partial<Shadow>): Shadow {
  return {
    pack: "kit",
    pack_version: "1",
    active_pack: "dlib@1",
    sample_rate: 1,
    since: "2026-01-01T00:00:00+00:00",
    compared: 0,
    dropped: 0,
    errors: 0,
    last_error: null,
    counts: {},
    agreement: null,
    agreement_interval: null,
    latency_ms: {},
    coverage: complete,
    disagreements: [],
    advice: "",
    ...values,
  };
}

describe("coverage", () => {
  it("is drawn in percent of the photos", () => {
    expect(sharesOf(coverage)).toEqual({ embedded: 75, failed: 5 });
    expect(sharesOf({ ...coverage, images: 0, embedded: 0, failed: 0 })).toEqual({ embedded: 0, failed: 0 });
  });

  it("is read from a refused switch, and from nothing else", () => {
    expect(refusedCoverage({ code: "pack_not_covered", coverage })).toEqual(coverage);
    expect(refusedCoverage({ code: "pack_not_covered", coverage: { images: 3 } })).toBeNull();
    expect(refusedCoverage({})).toBeNull();
  });
});

describe("jobs", () => {
  it("are found by the pack that they are about", () => {
    const job = (pack: string, version: string) =>
      ({ job_id: `${pack}@${version}`, parameters: { pack, pack_version: version } }) as unknown as Job;
    const jobs = [job("kit", "2"), job("kit", "1"), job("dlib", "1")];
    expect(jobOf(jobs, { name: "kit", version: "1" })?.job_id).toBe("kit@1");
    expect(jobOf(jobs, { name: "other", version: "1" })).toBeNull();
  });
});

describe("advice of the shadow mode", () => {
  const many = { same_person: 299, both_unknown: 101, not_covered: 1000 };

  it("leaves out the faces that cannot be judged", () => {
    expect(judgedFaces(shadow({ counts: many }))).toBe(400);
  });

  it("waits for the embeddings, then for enough faces", () => {
    expect(adviceOf(shadow({ coverage }), false)).toBe("incomplete");
    expect(adviceOf(shadow({}), false)).toBe("few");
    const few = shadow({ counts: { same_person: 299 }, agreement_interval: [0.98, 1] });
    expect(adviceOf(few, false)).toBe("few");
  });

  it("warns of different people before anything else", () => {
    const counts = { ...many, different_persons: 1 };
    expect(adviceOf(shadow({ counts, agreement_interval: [0.99, 1] }), false)).toBe("different");
  });

  it("says when the packs agree, and when they do not", () => {
    expect(adviceOf(shadow({ counts: many, agreement_interval: [0.99, 1] }), false)).toBe("agree");
    const counts = { ...many, only_active_knows: 20 };
    expect(adviceOf(shadow({ counts, agreement_interval: [0.93, 0.97] }), false)).toBe("look");
    expect(adviceOf(shadow({ counts: many }), true)).toBe("active");
  });
});
