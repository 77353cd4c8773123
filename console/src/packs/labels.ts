/** How packs are named, and what can be read from the numbers about them. */

import type { Coverage, Job, Pack, Shadow } from "#/api/types";

/** With as many faces and no disagreement, more than 1 % of disagreement is ruled out. */
export const ENOUGH_FACES = 300;
const AGREES_FROM = 0.99;

export function labelOf(pack: { name: string; version: string }): string {
  return `${pack.name}@${pack.version}`;
}

/** The threshold that applies to people without one of their own; null: not known before the pack is loaded. */
export function thresholdOf(pack: Pack): number | null {
  return pack.gallery_threshold ?? pack.threshold;
}

/** Packs that embed faces and can be used. */
export function usable(packs: Pack[]): Pack[] {
  return packs.filter(
    (pack) => pack.coverage !== null && (pack.state === "ready" || pack.state === "installed"),
  );
}

/** The newest job of this pack; jobs come newest first. */
export function jobOf(jobs: Job[], pack: { name: string; version: string }): Job | null {
  return (
    jobs.find(
      ({ parameters }) => parameters.pack === pack.name && parameters.pack_version === pack.version,
    ) ?? null
  );
}

/** Percent of the photos, for a bar; an empty gallery is all covered and draws nothing. */
export function sharesOf({ images, embedded, failed }: Coverage): { embedded: number; failed: number } {
  const share = (count: number) => (images === 0 ? 0 : Math.min(100, (100 * count) / images));
  return { embedded: share(embedded), failed: share(failed) };
}

/** The coverage that a refused switch carries; null where the problem is another one. */
export function refusedCoverage(context: Record<string, unknown>): Coverage | null {
  const { coverage } = context;
  const isCoverage =
    typeof coverage === "object" &&
    coverage !== null &&
    ["images", "embedded", "failed", "missing", "persons", "persons_covered"].every(
      (name) => typeof (coverage as Record<string, unknown>)[name] === "number",
    );
  return isCoverage ? (coverage as Coverage) : null;
}

export type ShadowAdvice = "active" | "incomplete" | "few" | "different" | "agree" | "look";

/** Faces about which both packs could say something. */
export function judgedFaces({ counts }: Shadow): number {
  return Object.entries(counts).reduce(
    (sum, [outcome, count]) => (outcome === "not_covered" ? sum : sum + count),
    0,
  );
}

/** What the server advises, told apart so that it can be said in either language. */
export function adviceOf(shadow: Shadow, isActive: boolean): ShadowAdvice {
  if (isActive) return "active";
  if (!shadow.coverage.is_complete) return "incomplete";
  const interval = shadow.agreement_interval;
  if (!interval || judgedFaces(shadow) < ENOUGH_FACES) return "few";
  if ((shadow.counts.different_persons ?? 0) > 0) return "different";
  return (interval[0] ?? 0) >= AGREES_FROM ? "agree" : "look";
}
