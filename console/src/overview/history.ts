import { queryOptions } from "@tanstack/react-query";
import { api } from "#/api/client";
import { answered } from "#/api/problem";
import type { History, HistoryPoint } from "#/api/types";

export const WINDOW_S = 15 * 60;
const KEY = ["history"];
/** So many intervals without a point are a gap: the server was not there. */
const GAP_INTERVALS = 3;

/** The first answer has the past, those after it only what is new. */
export const historyQuery = queryOptions({
  queryKey: KEY,
  queryFn: async ({ client, signal }) => {
    const before = client.getQueryData<History>(KEY);
    const since = before?.points.at(-1)?.at ?? 0;
    const answer = await answered(api.GET("/api/status/history", { params: { query: { since } }, signal }));
    return before ? { ...answer, points: merged(before.points, answer.points) } : answer;
  },
  refetchInterval: 5000,
});

/** The points of the last fifteen minutes, oldest first. */
export function merged(before: HistoryPoint[], added: HistoryPoint[]): HistoryPoint[] {
  const last = before.at(-1)?.at ?? 0;
  const points = [...before, ...added.filter((point) => point.at > last)];
  const oldest = (points.at(-1)?.at ?? 0) - WINDOW_S;
  return points.filter((point) => point.at >= oldest);
}

export interface Sample {
  at: number;
  value: number | null;
}

/** A round number at or above the largest value, so that a line does not jump with every point. */
export function topOf(values: (number | null)[], least: number): number {
  const most = Math.max(least, ...values.map((value) => value ?? 0));
  const magnitude = 10 ** Math.floor(Math.log10(most));
  const step = [1, 2, 5, 10].find((candidate) => candidate * magnitude >= most - magnitude * 1e-9) ?? 10;
  return step * magnitude;
}

/**
 * Lines as SVG draws them, in a box of `width` by `height`: the last fifteen minutes up to the newest sample. A line
 * breaks where there is no value and where the server was not there.
 */
export function lines(
  samples: Sample[],
  top: number,
  intervalS: number,
  width: number,
  height: number,
): string[] {
  const end = samples.at(-1)?.at ?? 0;
  const found: string[] = [];
  let line: string[] = [];
  let last = Number.NEGATIVE_INFINITY;
  const finish = () => {
    // A single point would be drawn as nothing.
    if (line.length === 1) line.push("h0.01");
    if (line.length > 0) found.push(line.join(""));
    line = [];
  };
  for (const { at, value } of samples) {
    if (value === null || at - last > GAP_INTERVALS * intervalS) finish();
    if (value !== null) {
      const x = (1 - (end - at) / WINDOW_S) * width;
      const y = (1 - Math.min(1, value / top)) * height;
      line.push(`${line.length === 0 ? "M" : "L"}${x.toFixed(1)} ${y.toFixed(1)}`);
    }
    last = at;
  }
  finish();
  return found;
}

/** The sample nearest to a share 0…1 of the window. */
export function nearest(samples: Sample[], share: number): Sample | undefined {
  const at = (samples.at(-1)?.at ?? 0) - (1 - share) * WINDOW_S;
  return samples.reduce<Sample | undefined>(
    (best, sample) => (best && Math.abs(best.at - at) <= Math.abs(sample.at - at) ? best : sample),
    undefined,
  );
}
