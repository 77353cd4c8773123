import { describe, expect, it } from "vitest";
import type { EnhancedFace, EnhancementReport } from "#/enhance/types";
import { blendingOf, changeOf, identitiesOf } from "#/enhance/words";

const face = (
  status: EnhancedFace["identity"]["status"],
  restoredShare: number,
  isRestored = true,
): EnhancedFace => ({
  box: { x: 0, y: 0, width: 1, height: 1 },
  is_restored: isRestored,
  reason: null,
  identity: { status, similarity: 0.9, threshold: 0.5, restored_share: restoredShare },
  sharpness_before: 0.1,
  sharpness_after: 0.2,
  quality_before: 0.1,
  quality_after: 0.2,
});

describe("words", () => {
  it("call a photo sharper or softer only where that can be seen", () => {
    expect([0.5, 0.94, 0.96, 1, 1.04, 1.06, 3].map(changeOf)).toEqual([
      "softer",
      "softer",
      "same",
      "same",
      "same",
      "sharper",
      "sharper",
    ]);
  });

  it("never call a face wholly restored that was blended back a little", () => {
    expect(blendingOf(face("kept", 1))).toBe("whole");
    expect(blendingOf(face("kept", 0.996))).toBe("part");
    expect(blendingOf(face("kept", 0))).toBe("none");
    expect(blendingOf(face("kept", 1, false))).toBe("none");
  });

  it("name lost persons first", () => {
    const faces = [face("kept", 1), face("lost", 1), face("kept", 0.5)];
    expect(identitiesOf({ faces } as EnhancementReport)).toEqual([
      ["lost", 1],
      ["kept", 2],
    ]);
  });
});
