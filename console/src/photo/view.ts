/** Which part of a picture a window shows. */

export interface View {
  /** 1: all of it. */
  zoom: number;
  /** What is in the middle of the window, as fractions of the picture's width and height. */
  x: number;
  y: number;
}

export const WHOLE: View = { zoom: 1, x: 0.5, y: 0.5 };
const MOST_ZOOM = 16;

/** `factor` times as large; what is at (`atX`, `atY`) of the window, as fractions of it, stays there. */
export function zoomed(view: View, factor: number, atX = 0.5, atY = 0.5): View {
  const zoom = Math.min(MOST_ZOOM, Math.max(1, view.zoom * factor));
  const shift = 1 / view.zoom - 1 / zoom;
  return within({ zoom, x: view.x + (atX - 0.5) * shift, y: view.y + (atY - 0.5) * shift });
}

/** Moves the picture by fractions of the window. */
export function moved(view: View, byX: number, byY: number): View {
  return within({ zoom: view.zoom, x: view.x - byX / view.zoom, y: view.y - byY / view.zoom });
}

/** CSS of the picture in a window that it fills. */
export function viewStyle({ zoom, x, y }: View) {
  const percent = (share: number) => `${(100 * share).toFixed(4)}%`;
  const size = percent(zoom);
  return { width: size, height: size, left: percent(0.5 - x * zoom), top: percent(0.5 - y * zoom) };
}

/** Nothing beside the picture is shown. */
function within({ zoom, x, y }: View): View {
  const least = 0.5 / zoom;
  const clamped = (value: number) => Math.min(1 - least, Math.max(least, value));
  return { zoom, x: clamped(x), y: clamped(y) };
}
