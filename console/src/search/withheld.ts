import type { SearchFace } from "#/api/types";

/** Where liveness is enforced a face that is not live is nobody's: the server keeps its matches back. */
export function isWithheld(face: Pick<SearchFace, "liveness" | "matches">): boolean {
  return face.liveness !== null && !face.liveness.is_live && face.matches.length === 0;
}

/** What to call a face of an answer. */
export function nameOfFace(
  face: SearchFace,
  t: (key: "search.withheld" | "search.unknown") => string,
): string {
  return face.best_match?.name ?? t(isWithheld(face) ? "search.withheld" : "search.unknown");
}
