import { describe, expect, it } from "vitest";
import { fieldsOf, metadataOf, newField, problemOfField } from "#/gallery/metadata";

describe("metadata", () => {
  it("comes back as it was when nothing is edited", () => {
    const metadata = {
      department: "R&D",
      badge: 17,
      active: true,
      tags: ["a", { b: null }],
      note: "17",
      none: null,
    };
    expect(metadataOf(fieldsOf(metadata))).toEqual(metadata);
  });

  it("says what is wrong with a field", () => {
    const field = (key: string, kind: "text" | "number" | "flag" | "json", text: string) => ({
      ...newField(key),
      kind,
      text,
    });
    const problem = (one: ReturnType<typeof field>) => problemOfField(one, [one]);
    expect(problem(field(" ", "text", "x"))).toBe("keyEmpty");
    expect(problem(field("a", "number", "1.5"))).toBeNull();
    expect(problem(field("a", "number", "one"))).toBe("notNumber");
    expect(problem(field("a", "flag", "yes"))).toBe("notFlag");
    expect(problem(field("a", "json", "{"))).toBe("notJson");
    const twice = [field("a", "text", ""), field("a ", "text", "")] as const;
    expect(problemOfField(twice[0], [...twice])).toBe("keyTwice");
  });
});
