const WHOLE = new Set(["quality_too_small", "quality_turned_away", "quality_tilted"]);
const SCORES = new Set(["looks_like_another_person", "unlike_own_person"]);

/** Pixels and degrees need no decimals; scores need three, as everywhere. */
export function warningFigure(code: string, value: number): string {
  if (WHOLE.has(code)) return value.toFixed(0);
  return value.toFixed(SCORES.has(code) ? 3 : 2);
}
