import { expect, it } from "vitest";
import { warningFigure } from "#/shell/warning-figure";

it("writes pixels and degrees whole, scores with three digits", () => {
  expect(warningFigure("quality_too_small", 38.4)).toBe("38");
  expect(warningFigure("quality_turned_away", 41.7)).toBe("42");
  expect(warningFigure("looks_like_another_person", 0.8523)).toBe("0.852");
  expect(warningFigure("quality_too_blurred", 0.1686)).toBe("0.17");
});
