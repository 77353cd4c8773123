/** What a calibration's numbers come to: in words, as points of the charts, as rows of the table. */

import type { CalibratedThreshold, Calibration, LookAlike } from "#/api/types";

const PRACTICALLY_NEVER = 1e-9;
const SIGNIFICANT_DIGITS = 2;
/** So much of the strangers that the curve is flat. */
const ALL = 0.999;
const SAME_THRESHOLD = 5e-4;

export type InWords = { kind: "never" } | { kind: "one_in"; n: number } | { kind: "most"; rate: number };

/** How often a search for a stranger names somebody, as a person would say it. */
export function inWords(probability: number): InWords {
  if (probability < PRACTICALLY_NEVER) return { kind: "never" };
  if (probability > 0.5) return { kind: "most", rate: probability };
  return { kind: "one_in", n: roundedCount(1 / probability) };
}

/** Whole, and beyond a hundred with two digits that count. */
function roundedCount(count: number): number {
  return count < 100 ? Math.round(count) : Number(count.toPrecision(SIGNIFICANT_DIGITS));
}

/** What is asked for: one false match in so many comparisons with a person, or in so many searches. */
export type Wish = `rate:${number}` | `searches:${number}`;
export const rateWishes: Wish[] = ["rate:100", "rate:1000", "rate:10000", "rate:100000", "rate:1000000"];
export const searchWishes: Wish[] = ["searches:100", "searches:1000", "searches:10000"];

export function wishFields(wish: Wish): { wanted_fmr: number } | { expected_false_matches: number } {
  const [kind, text] = wish.split(":");
  const oneIn = Number(text);
  return kind === "rate" ? { wanted_fmr: 1 / oneIn } : { expected_false_matches: 1000 / oneIn };
}

export interface RatePoint {
  threshold: number;
  fmr: number | null;
  fnmr: number | null;
}

/** A rate of nothing has no place on a logarithmic axis: the line ends there. Both ends where nothing changes go. */
export function ratePoints({ thresholds, fmr, fnmr }: Calibration["curves"]): RatePoint[] {
  const points = thresholds.map((threshold, index) => ({
    threshold,
    fmr: fmr[index] || null,
    fnmr: fnmr?.[index] || null,
  }));
  const first = points.findIndex((point) => (point.fmr ?? 0) < ALL || point.fnmr !== null);
  const last = points.findLastIndex((point) => point.fmr !== null || point.fnmr !== 1);
  return points.slice(Math.max(0, first - 1), last + 2);
}

/** Powers of ten from 1 down to what is below the least rate. */
export function decades(points: RatePoint[]): number[] {
  const rates = points.flatMap(({ fmr, fnmr }) => [fmr, fnmr]).filter((rate) => rate !== null);
  const least = Math.min(0.1, ...rates);
  const count = Math.ceil(-Math.log10(least) - 1e-9);
  return Array.from({ length: count + 1 }, (_, power) => Number(`1e-${power}`)).reverse();
}

export interface ScorePoint {
  score: number;
  strangers: number;
  genuine: number | null;
}

/** Shares at the middle of each bin; few photos are drawn in wider bins, which would be bristles otherwise. */
export function scorePoints(
  { edges, searches, genuine }: Calibration["histogram"],
  images: number,
): ScorePoint[] {
  const width = images < 500 ? 4 : images < 5000 ? 2 : 1;
  const sum = (shares: number[], from: number) =>
    shares.slice(from, from + width).reduce((total, share) => total + share, 0);
  const starts = Array.from({ length: Math.ceil(searches.length / width) }, (_, index) => index * width);
  return starts.map((from) => ({
    score: ((edges[from] ?? 0) + (edges[Math.min(from + width, edges.length - 1)] ?? 0)) / 2,
    strangers: sum(searches, from),
    genuine: genuine && sum(genuine, from),
  }));
}

export function isSame(one: number, other: number): boolean {
  return Math.abs(one - other) < SAME_THRESHOLD;
}

export interface Marker {
  name: "proposed" | "current" | "pack";
  value: number;
}

/** The thresholds worth a line, each value once: what is proposed, what is in use, what the pack brings. */
export function markersOf(report: Calibration, current: number | null, ofPack: number | null): Marker[] {
  const all: [Marker["name"], number | null][] = [
    ["proposed", report.proposed.threshold],
    ["current", current],
    ["pack", ofPack],
  ];
  const markers: Marker[] = [];
  for (const [name, value] of all) {
    if (value === null || value > 1 || markers.some((marker) => isSame(marker.value, value))) continue;
    markers.push({ name, value });
  }
  return markers;
}

/** One row a threshold: where two are the same, the one that says more stands. */
export function rowsOf(thresholds: CalibratedThreshold[]): CalibratedThreshold[] {
  const weight = { proposed: 3, gallery: 2, pack: 1, ladder: 0 };
  return thresholds.filter(
    (row) =>
      !thresholds.some(
        (other) =>
          other !== row &&
          isSame(other.threshold, row.threshold) &&
          (weight[other.kind] > weight[row.kind] ||
            (other.kind === row.kind && thresholds.indexOf(other) < thresholds.indexOf(row))),
      ),
  );
}

export interface PairedPerson {
  personId: string;
  imageId: string;
  name: string;
}

/** The two of a pair, each with the photo that looks like the other. */
export function personsOf(pair: LookAlike): PairedPerson[] {
  return pair.person_ids.map((personId, index) => ({
    personId,
    imageId: pair.image_ids[index] ?? "",
    name: pair.names[index] ?? "",
  }));
}
