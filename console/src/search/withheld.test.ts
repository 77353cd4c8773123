import { describe, expect, it } from "vitest";
import type { Liveness, Match } from "#/api/types";
import { isWithheld } from "#/search/withheld";

const liveness = (is_live: boolean): Liveness => ({
  is_live,
  score: is_live ? 0.99 : 0.02,
  pack: "minifasnet",
  pack_version: "1",
  threshold: 0.5,
});
const match = { name: "Ann" } as Match;

describe("withheld matches", () => {
  it("are those of a face that is not live", () => {
    expect(isWithheld({ liveness: liveness(false), matches: [] })).toBe(true);
  });

  it("are not those that liveness only observed, nor those of an empty gallery", () => {
    expect(isWithheld({ liveness: liveness(false), matches: [match] })).toBe(false);
    expect(isWithheld({ liveness: liveness(true), matches: [] })).toBe(false);
    expect(isWithheld({ liveness: null, matches: [] })).toBe(false);
  });
});
