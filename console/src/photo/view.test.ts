import { describe, expect, it } from "vitest";
import { moved, viewStyle, WHOLE, zoomed } from "#/photo/view";

/** Where a point of the picture is in the window, both as fractions. */
const placeOf = (view: typeof WHOLE, x: number) => 0.5 + (x - view.x) * view.zoom;

describe("zooming", () => {
  it("keeps what is under the pointer", () => {
    const near = zoomed(WHOLE, 2, 0.3, 0.5);
    expect(placeOf(near, 0.3)).toBeCloseTo(0.3);
    const nearer = zoomed(near, 2, 0.3, 0.5);
    expect(nearer.zoom).toBe(4);
    expect(placeOf(nearer, 0.3)).toBeCloseTo(0.3);
  });

  it("ends at the whole picture and at sixteen times", () => {
    expect(zoomed(zoomed(WHOLE, 4, 0.9, 0.9), 0.01, 0.1, 0.1)).toEqual(WHOLE);
    expect(zoomed(WHOLE, 100).zoom).toBe(16);
  });
});

describe("moving", () => {
  it("never shows what is beside the picture", () => {
    expect(moved(WHOLE, 0.4, -0.4)).toEqual(WHOLE);
    const near = zoomed(WHOLE, 4);
    const corner = moved(near, 10, 10);
    expect(viewStyle(corner)).toMatchObject({ left: "0.0000%", top: "0.0000%" });
    expect(viewStyle(moved(near, -10, -10))).toMatchObject({ left: "-300.0000%", top: "-300.0000%" });
  });

  it("follows the pointer", () => {
    const near = zoomed(WHOLE, 4);
    expect(placeOf(moved(near, 0.1, 0), 0.5)).toBeCloseTo(0.6);
  });
});
