import { describe, expect, it } from "vitest";
import type { CalibratedThreshold, Calibration } from "#/api/types";
import {
  decades,
  inWords,
  markersOf,
  ratePoints,
  rowsOf,
  scorePoints,
  wishFields,
} from "#/calibration/rates";

function row(kind: CalibratedThreshold["kind"], threshold: number): CalibratedThreshold {
  return { kind, threshold } as CalibratedThreshold;
}

describe("how often a stranger is named", () => {
  it("is said as one in so many, rounded", () => {
    expect(inWords(1 / 8113)).toEqual({ kind: "one_in", n: 8100 });
    expect(inWords(1 / 7.9)).toEqual({ kind: "one_in", n: 8 });
  });

  it("is a share where it is most, and never where it is next to nothing", () => {
    expect(inWords(0.83)).toEqual({ kind: "most", rate: 0.83 });
    expect(inWords(0)).toEqual({ kind: "never" });
  });
});

describe("what is asked for", () => {
  it("is a rate of comparisons, or of 1,000 searches", () => {
    expect(wishFields("rate:10000")).toEqual({ wanted_fmr: 0.0001 });
    expect(wishFields("searches:100")).toEqual({ expected_false_matches: 10 });
  });
});

describe("curves", () => {
  const curves = {
    thresholds: [0.1, 0.2, 0.4, 0.6, 0.8, 0.9, 1],
    fmr: [1, 1, 0.9, 0.02, 0, 0, 0],
    fnmr: [0, 0, 0, 0.05, 0.4, 1, 1],
  };

  it("end where nothing is left, since a logarithmic axis has no zero, and where nothing changes", () => {
    expect(ratePoints(curves)).toEqual([
      { threshold: 0.2, fmr: 1, fnmr: null },
      { threshold: 0.4, fmr: 0.9, fnmr: null },
      { threshold: 0.6, fmr: 0.02, fnmr: 0.05 },
      { threshold: 0.8, fmr: null, fnmr: 0.4 },
      { threshold: 0.9, fmr: null, fnmr: 1 },
    ]);
  });

  it("do without misses where nobody has two photos", () => {
    const points = ratePoints({ ...curves, fnmr: null });
    expect(points.map((point) => point.fmr).slice(0, 3)).toEqual([1, 0.9, 0.02]);
    expect(points.every((point) => point.fnmr === null)).toBe(true);
  });

  it("stand on whole decades", () => {
    expect(decades(ratePoints(curves))).toEqual([0.01, 0.1, 1]);
    expect(decades([{ threshold: 0.5, fmr: 0.001, fnmr: null }])).toEqual([0.001, 0.01, 0.1, 1]);
    expect(decades([])).toEqual([0.1, 1]);
  });
});

describe("histogram", () => {
  const histogram = {
    edges: [0, 0.25, 0.5, 0.75, 1],
    searches: [0.5, 0.25, 0.25, 0],
    images: [1, 0, 0, 0],
    genuine: [0, 0, 0.5, 0.5],
  };

  it("draws each share at the middle of its bin", () => {
    expect(scorePoints(histogram, 10_000).map((point) => point.score)).toEqual([0.125, 0.375, 0.625, 0.875]);
    expect(scorePoints({ ...histogram, genuine: null }, 10_000)[2]).toEqual({
      score: 0.625,
      strangers: 0.25,
      genuine: null,
    });
  });

  it("draws wider bins where there are few photos, and loses none", () => {
    expect(scorePoints(histogram, 1000)).toEqual([
      { score: 0.25, strangers: 0.75, genuine: 0 },
      { score: 0.75, strangers: 0.25, genuine: 1 },
    ]);
    expect(scorePoints(histogram, 40)).toEqual([{ score: 0.5, strangers: 1, genuine: 1 }]);
  });
});

describe("thresholds", () => {
  const report = { proposed: row("proposed", 0.71) } as Calibration;

  it("are marked once each, and not beyond the scale", () => {
    expect(markersOf(report, 0.7, 0.7)).toEqual([
      { name: "proposed", value: 0.71 },
      { name: "current", value: 0.7 },
    ]);
    expect(markersOf({ proposed: row("proposed", 1.01) } as Calibration, null, null)).toEqual([]);
  });

  it("have one row each, the one that says most", () => {
    const kept = rowsOf([row("ladder", 0.71), row("proposed", 0.71), row("pack", 0.6), row("gallery", 0.6)]);
    expect(kept.map((one) => one.kind)).toEqual(["proposed", "gallery"]);
    expect(rowsOf([row("ladder", 0.8), row("ladder", 0.8)])).toHaveLength(1);
  });
});
