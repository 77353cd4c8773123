import type { NormalizedBox } from "#/api/problem";

/** CSS lengths of a face's box on its photo, whatever size the photo is shown at; what reaches outside is cut. */
export function boxStyle(box: NormalizedBox) {
  const left = clamp(box.left);
  const top = clamp(box.top);
  return {
    left: percent(left),
    top: percent(top),
    width: percent(clamp(box.left + box.width) - left),
    height: percent(clamp(box.top + box.height) - top),
  };
}

const MARGIN = 0.35;

/** Place and size of the whole photo behind a square window that shows the face with some margin. */
export function cropStyle(box: NormalizedBox, photo: { width: number; height: number }) {
  const face = { width: box.width * photo.width, height: box.height * photo.height };
  const side = Math.max(face.width, face.height, 1) * (1 + 2 * MARGIN);
  const centre = {
    x: (box.left + box.width / 2) * photo.width,
    y: (box.top + box.height / 2) * photo.height,
  };
  return {
    left: percent((side / 2 - centre.x) / side),
    top: percent((side / 2 - centre.y) / side),
    width: percent(photo.width / side),
    height: percent(photo.height / side),
  };
}

function clamp(fraction: number): number {
  return Math.min(1, Math.max(0, fraction));
}

function percent(fraction: number): string {
  return `${(fraction * 100).toFixed(3)}%`;
}
