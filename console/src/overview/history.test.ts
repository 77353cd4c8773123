import { describe, expect, it } from "vitest";
import type { HistoryPoint } from "#/api/types";
import { lines, merged, nearest, topOf, WINDOW_S } from "#/overview/history";

const pointsAt = (...moments: number[]) => moments.map((at) => ({ at }) as HistoryPoint);
const moments = (points: HistoryPoint[]) => points.map(({ at }) => at);

describe("the history", () => {
  it("goes on with what is new, and with nothing twice", () => {
    expect(moments(merged(pointsAt(5, 10), pointsAt(10, 15, 20)))).toEqual([5, 10, 15, 20]);
    expect(moments(merged(pointsAt(5, 10), []))).toEqual([5, 10]);
    expect(moments(merged([], pointsAt(5)))).toEqual([5]);
  });

  it("forgets what is older than fifteen minutes", () => {
    expect(moments(merged(pointsAt(1, 100), pointsAt(100 + WINDOW_S)))).toEqual([100, 100 + WINDOW_S]);
  });
});

describe("the top of an axis", () => {
  it("is a round number at or above every value", () => {
    expect(topOf([3, null, 7], 1)).toBe(10);
    expect(topOf([0.2], 0.001)).toBe(0.2);
    expect(topOf([1.2e9], 1)).toBe(2e9);
    expect(topOf([40], 1)).toBe(50);
  });

  it("is not zero where there is nothing", () => {
    expect(topOf([], 1)).toBe(1);
    expect(topOf([0, null], 5)).toBe(5);
  });
});

describe("a line", () => {
  const sample = (at: number, value: number | null) => ({ at, value });

  it("ends at the newest sample, with zero at the bottom", () => {
    const samples = [sample(0, 0), sample(WINDOW_S, 10)];
    expect(lines(samples, 10, WINDOW_S, 100, 40)).toEqual(["M0.0 40.0L100.0 0.0"]);
  });

  it("breaks where there is no value", () => {
    const samples = [sample(0, 1), sample(5, 1), sample(10, null), sample(15, 1), sample(20, 1)];
    expect(lines(samples, 1, 5, 100, 40)).toHaveLength(2);
  });

  it("breaks where the server was not there", () => {
    expect(lines([sample(0, 1), sample(5, 1), sample(60, 1), sample(65, 1)], 1, 5, 100, 40)).toHaveLength(2);
    expect(lines([sample(0, 1), sample(5, 1), sample(15, 1)], 1, 5, 100, 40)).toHaveLength(1);
  });

  it("shows a value that stands alone", () => {
    expect(lines([sample(0, 1)], 1, 5, 100, 40)).toEqual(["M100.0 0.0h0.01"]);
    expect(lines([], 1, 5, 100, 40)).toEqual([]);
  });
});

describe("the sample under the pointer", () => {
  it("is the nearest one", () => {
    const samples = [0, 5, WINDOW_S].map((at) => ({ at, value: at }));
    expect(nearest(samples, 0)?.at).toBe(0);
    expect(nearest(samples, 1)?.at).toBe(WINDOW_S);
    expect(nearest(samples, 6 / WINDOW_S)?.at).toBe(5);
    expect(nearest([], 0.5)).toBeUndefined();
  });
});
