/** What figures of a report mean, told apart so that each can be said in words. */

import type { EnhancedFace, EnhancementReport } from "#/enhance/types";

/** Closer to 1 than this nobody sees a difference. */
const SAME_WITHIN = 0.05;

export type Change = "sharper" | "same" | "softer";

export function changeOf(ratio: number): Change {
  if (ratio > 1 + SAME_WITHIN) return "sharper";
  return ratio < 1 - SAME_WITHIN ? "softer" : "same";
}

/** How much of a restored face is in the result. */
export type Blending = "whole" | "part" | "none";

export function blendingOf({ is_restored: isRestored, identity }: EnhancedFace): Blending {
  if (!isRestored || identity.restored_share <= 0) return "none";
  // 99.6 % must not be called all of it.
  return identity.restored_share >= 1 ? "whole" : "part";
}

/** How many faces are what; in the order in which one wants to know. */
export function identitiesOf({ faces }: EnhancementReport): [EnhancedFace["identity"]["status"], number][] {
  const statuses = ["lost", "not_measurable", "kept"] as const;
  return statuses
    .map((status): [(typeof statuses)[number], number] => [
      status,
      faces.filter((face) => face.identity.status === status).length,
    ])
    .filter(([, count]) => count > 0);
}
