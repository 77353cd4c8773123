import { describe, expect, it } from "vitest";
import { asPurpose, isPurpose } from "#/swap/consents/purpose";

describe("purpose", () => {
  it("is made of what is typed", () => {
    expect(asPurpose("Film Dubbing")).toBe("film-dubbing");
    expect(asPurpose("x".repeat(80))).toHaveLength(64);
  });

  it("is one word", () => {
    for (const purpose of ["film-dubbing", "2026", "a"]) expect(isPurpose(purpose)).toBe(true);
    for (const text of [
      "",
      "-film",
      "film-",
      "film--dubbing",
      "配音",
      "film dubbing",
      "Film",
      "a".repeat(65),
    ])
      expect(isPurpose(text)).toBe(false);
  });
});
