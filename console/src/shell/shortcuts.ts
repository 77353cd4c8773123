import { useEffect, useRef } from "react";

const LEADER = "g";
/** How long the second key of a sequence such as "g g" may take. */
const SEQUENCE_MS = 1200;

/** Keys ("?", "/", "n") and sequences ("g s") with what they do; typing and open dialogs are left alone. */
export type Shortcuts = Record<string, () => void>;

export function useShortcuts(shortcuts: Shortcuts) {
  const current = useRef(shortcuts);
  useEffect(() => {
    current.current = shortcuts;
  });
  useEffect(() => {
    let ledAt = Number.NEGATIVE_INFINITY;
    const onKey = (event: KeyboardEvent) => {
      if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
      if (isTyping(event.target) || document.querySelector("[role=dialog],[role=menu]")) return;
      // After g only sequences count: "g c" must not also do what "c" does on this page.
      const led = event.timeStamp - ledAt < SEQUENCE_MS;
      ledAt = !led && event.key === LEADER ? event.timeStamp : Number.NEGATIVE_INFINITY;
      const action = current.current[led ? `${LEADER} ${event.key}` : event.key];
      if (!action) return;
      event.preventDefault();
      action();
    };
    document.addEventListener("keydown", onKey);
    return () => document.removeEventListener("keydown", onKey);
  }, []);
}

function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target instanceof HTMLInputElement)
    return !["checkbox", "radio", "button", "range"].includes(target.type);
  return target.isContentEditable || target.matches("textarea, select");
}
