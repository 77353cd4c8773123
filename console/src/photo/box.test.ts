import { describe, expect, it } from "vitest";
import { boxStyle, cropStyle } from "#/photo/box";

describe("boxStyle", () => {
  it("turns fractions into percentages of the photo", () => {
    expect(boxStyle({ left: 0.25, top: 0.1, width: 0.5, height: 0.2 })).toEqual({
      left: "25.000%",
      top: "10.000%",
      width: "50.000%",
      height: "20.000%",
    });
  });

  it("cuts what reaches outside the photo", () => {
    expect(boxStyle({ left: -0.1, top: 0.9, width: 0.3, height: 0.4 })).toEqual({
      left: "0.000%",
      top: "90.000%",
      width: "20.000%",
      height: "10.000%",
    });
  });

  it("shows nothing of a box that is wholly outside", () => {
    expect(boxStyle({ left: 1.2, top: 0, width: 0.3, height: 0.4 }).width).toBe("0.000%");
  });
});

describe("cropStyle", () => {
  const centreOf = (crop: ReturnType<typeof cropStyle>, x: number, y: number) => [
    Number.parseFloat(crop.left) + x * Number.parseFloat(crop.width),
    Number.parseFloat(crop.top) + y * Number.parseFloat(crop.height),
  ];

  it("puts the face's centre into the centre of the window", () => {
    const crop = cropStyle({ left: 0.6, top: 0.2, width: 0.1, height: 0.15 }, { width: 1280, height: 886 });
    const [x, y] = centreOf(crop, 0.65, 0.275);
    expect(x).toBeCloseTo(50, 2);
    expect(y).toBeCloseTo(50, 2);
  });

  it("keeps the photo's proportions", () => {
    const crop = cropStyle({ left: 0.4, top: 0.4, width: 0.2, height: 0.2 }, { width: 800, height: 400 });
    expect(Number.parseFloat(crop.width) / Number.parseFloat(crop.height)).toBeCloseTo(2, 4);
  });

  it("survives a box without size", () => {
    expect(cropStyle({ left: 0, top: 0, width: 0, height: 0 }, { width: 10, height: 10 }).width).toMatch(
      /^\d/,
    );
  });
});
