import { type PointerEvent, type RefObject, useEffect, useRef, useState } from "react";
import { moved, WHOLE, zoomed } from "#/photo/view";

/** Nearer to the dividing line than this, it is the line that is moved. */
const GRIP_PX = 28;
const WHEEL_STEP = 0.0022;

interface Point {
  x: number;
  y: number;
}

/** Zoom, place and dividing line of two pictures in one window: by pointer, two fingers and Ctrl+wheel. */
export function useView(frame: RefObject<HTMLElement | null>) {
  const [view, setView] = useState(WHOLE);
  const [split, setSplit] = useState(0.5);
  const pointers = useRef(new Map<number, Point>());
  const isSplitting = useRef(false);

  useEffect(() => {
    const element = frame.current;
    // React listens passively, and then the page would zoom too.
    const onWheel = (event: WheelEvent) => {
      if (!event.ctrlKey) return;
      event.preventDefault();
      const { x, y } = placeIn(element, event);
      setView((before) => zoomed(before, Math.exp(-event.deltaY * WHEEL_STEP), x, y));
    };
    element?.addEventListener("wheel", onWheel, { passive: false });
    return () => element?.removeEventListener("wheel", onWheel);
  }, [frame]);

  const onPointerDown = (event: PointerEvent) => {
    if (event.button !== 0) return;
    const place = placeIn(frame.current, event);
    pointers.current.set(event.pointerId, place);
    frame.current?.setPointerCapture(event.pointerId);
    const width = frame.current?.clientWidth ?? 1;
    isSplitting.current =
      pointers.current.size === 1 && (view.zoom === 1 || Math.abs(place.x - split) * width < GRIP_PX);
    if (isSplitting.current) setSplit(clamped(place.x));
  };
  const onPointerMove = (event: PointerEvent) => {
    const before = pointers.current.get(event.pointerId);
    if (!before) return;
    const place = placeIn(frame.current, event);
    const other = [...pointers.current].find(([id]) => id !== event.pointerId)?.[1];
    pointers.current.set(event.pointerId, place);
    if (other) {
      isSplitting.current = false;
      const factor = distance(place, other) / Math.max(0.01, distance(before, other));
      setView((last) => zoomed(last, factor, (place.x + other.x) / 2, (place.y + other.y) / 2));
    } else if (isSplitting.current) setSplit(clamped(place.x));
    else setView((last) => moved(last, place.x - before.x, place.y - before.y));
  };
  const onPointerUp = (event: PointerEvent) => {
    pointers.current.delete(event.pointerId);
  };
  return {
    view,
    setView,
    split,
    setSplit,
    handlers: { onPointerDown, onPointerMove, onPointerUp, onPointerCancel: onPointerUp },
  };
}

/** Fractions of the element. */
export function placeIn(
  element: HTMLElement | null,
  { clientX, clientY }: { clientX: number; clientY: number },
): Point {
  const box = element?.getBoundingClientRect();
  return box
    ? { x: (clientX - box.left) / box.width, y: (clientY - box.top) / box.height }
    : { x: 0.5, y: 0.5 };
}

function distance(one: Point, other: Point): number {
  return Math.hypot(one.x - other.x, one.y - other.y);
}

function clamped(share: number): number {
  return Math.min(1, Math.max(0, share));
}
