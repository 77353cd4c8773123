/** Which engine can be used for what. */

import type { SwapEngine, SwapKind } from "#/swap/types";

const USABLE = new Set<SwapEngine["readiness"]>(["ready", "degraded"]);

export function isUsable(engine: SwapEngine): boolean {
  return USABLE.has(engine.readiness);
}

/** The engine that is used unless another is chosen: the chosen one where it fits, else the first that does. */
export function engineFor(
  engines: SwapEngine[],
  kind: SwapKind | null,
  chosen: string | null,
): string | null {
  const fitting = engines.filter((one) => isUsable(one) && (kind === null || one.kinds.includes(kind)));
  return (fitting.find((one) => one.engine === chosen) ?? fitting[0])?.engine ?? null;
}

/** Why an engine cannot be chosen for this. */
export function obstacle(engine: SwapEngine, kind: SwapKind | null): "not_ready" | "other_kind" | null {
  if (!isUsable(engine)) return "not_ready";
  return kind === null || engine.kinds.includes(kind) ? null : "other_kind";
}
