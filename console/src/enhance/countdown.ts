import { useEffect, useState } from "react";

const TICK_MS = 500;

/** Whole seconds until `at` by `performance.now()`, counted down to 0; null where there is nothing to wait for. */
export function useSecondsLeft(at: number | null): number | null {
  const [now, setNow] = useState(() => performance.now());
  useEffect(() => {
    if (at === null) return;
    const tick = () => {
      setNow(performance.now());
      if (performance.now() >= at) clearInterval(timer);
    };
    const timer = setInterval(tick, TICK_MS);
    tick();
    return () => clearInterval(timer);
  }, [at]);
  return at === null ? null : Math.max(0, Math.ceil((at - now) / 1000));
}
