/** What a model's output is, as far as this console can draw it: faces, classes, or anything else. */

import type { NormalizedBox } from "#/api/problem";

export interface OutputFace {
  index: number;
  box: NormalizedBox;
  detectionScore: number | null;
  /** What else the model says of the face, without the places of its points. */
  facts: Record<string, unknown>;
}

export interface OutputClass {
  label: string;
  score: number;
}

export type Output =
  | { kind: "faces"; faces: OutputFace[] }
  | { kind: "classes"; classes: OutputClass[] }
  | { kind: "other" };

const PLACES = new Set([
  "face_index",
  "box",
  "box_normalized",
  "detection_score",
  "landmarks",
  "landmark_scheme",
  "embedding",
]);

/** `size`: pixels of the picture, which boxes are given in. */
export function readOutput(output: unknown, size: { width: number; height: number }): Output {
  if (!isRecord(output)) return { kind: "other" };
  const faces = listOf(output.faces, (face, index) => readFace(face, index, size));
  if (faces) return { kind: "faces", faces };
  const classes = listOf(output.classes, readClass);
  return classes ? { kind: "classes", classes } : { kind: "other" };
}

/** Null where it is no list, or one of them is not what it should be. */
function listOf<Item>(value: unknown, read: (item: unknown, index: number) => Item | null): Item[] | null {
  if (!Array.isArray(value)) return null;
  const items = value.map(read);
  return items.includes(null) ? null : (items as Item[]);
}

function readFace(face: unknown, index: number, { width, height }: { width: number; height: number }) {
  if (!isRecord(face) || !isRecord(face.box)) return null;
  const { x, y, width: w, height: h } = face.box;
  if (![x, y, w, h].every((side) => typeof side === "number")) return null;
  const box = {
    left: Number(x) / width,
    top: Number(y) / height,
    width: Number(w) / width,
    height: Number(h) / height,
  };
  const facts = Object.fromEntries(Object.entries(face).filter(([name]) => !PLACES.has(name)));
  const detectionScore = typeof face.detection_score === "number" ? face.detection_score : null;
  return { index, box, detectionScore, facts };
}

function readClass(item: unknown): OutputClass | null {
  if (!isRecord(item) || typeof item.label !== "string" || typeof item.score !== "number") return null;
  return { label: item.label, score: item.score };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
