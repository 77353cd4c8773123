import { describe, expect, it } from "vitest";
import { factsOf } from "#/images/face-facts";
import { readOutput } from "#/images/output";

const size = { width: 200, height: 100 };
const face = {
  face_index: 0,
  box: { x: 50, y: 25, width: 20, height: 50 },
  detection_score: 0.99,
  landmarks: [[1, 2]],
  landmark_scheme: "dlib5",
  quality: { overall: 0.8, sharpness: 0.9 },
};

describe("an output", () => {
  it("with faces has boxes as parts of the picture, whatever size it is shown at", () => {
    expect(readOutput({ faces: [face], pack: "dlib@1" }, size)).toEqual({
      kind: "faces",
      faces: [
        {
          index: 0,
          box: { left: 0.25, top: 0.25, width: 0.1, height: 0.5 },
          detectionScore: 0.99,
          facts: { quality: { overall: 0.8, sharpness: 0.9 } },
        },
      ],
    });
  });

  it("without a face is one with no faces, not one of another kind", () => {
    expect(readOutput({ faces: [] }, size)).toEqual({ kind: "faces", faces: [] });
  });

  it("with classes has them in the model's own order", () => {
    const classes = [
      { label: "cat", index: 3, score: 0.7 },
      { label: "dog", index: 1, score: 0.2 },
    ];
    expect(readOutput({ classes }, size)).toEqual({
      kind: "classes",
      classes: [
        { label: "cat", score: 0.7 },
        { label: "dog", score: 0.2 },
      ],
    });
  });

  it("that only looks like one of these is shown as it is", () => {
    const odd = [
      null,
      [1, 2],
      "faces",
      { faces: 3 },
      { faces: [face, { box: null }] },
      { faces: [{ ...face, box: { x: "1", y: 2, width: 3, height: 4 } }] },
      { classes: [{ label: "cat" }] },
      { brightness: 0.4 },
    ];
    for (const output of odd) expect(readOutput(output, size)).toEqual({ kind: "other" });
  });
});

describe("the facts of a face", () => {
  it("are words and figures, groups by what sums them up, and never lists", () => {
    const facts = {
      attributes: { age: 34, gender: "female", gender_scores: [0.9, 0.1] },
      quality: { overall: 0.8, sharpness: 0.9 },
      liveness: { is_live: true, score: 0.97 },
      nothing: null,
      points: [[1, 2]],
    };
    expect(factsOf(facts)).toEqual([
      { name: "age", value: 34, isShare: false },
      { name: "gender", value: "female", isShare: false },
      { name: "quality", value: 0.8, isShare: true },
      { name: "liveness", value: true, isShare: false },
    ]);
  });
});
