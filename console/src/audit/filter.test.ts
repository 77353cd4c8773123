import { afterEach, describe, expect, it } from "vitest";
import { fieldOf, filterOf, isSame, momentOf } from "#/audit/filter";

describe("the filter of an address", () => {
  it("is what it names", () => {
    const filter = { actor: "Ada", action: "face.search", target: "p-17", since: "2026-05-01T00:00:00.000Z" };
    expect(filterOf({ ...filter, page: 3 })).toEqual(filter);
  });

  it("leaves out what is empty or no moment", () => {
    expect(filterOf({ actor: " ", action: "", target: null, since: "yesterday", until: 5 })).toEqual({});
  });

  it("takes an id of digits for the text that it is", () => {
    expect(filterOf({ target: 17 })).toEqual({ target: "17" });
  });
});

describe("two filters", () => {
  it("are the same when they ask for the same", () => {
    expect(isSame({ actor: "Ada" }, { actor: "Ada" })).toBe(true);
    expect(isSame({ actor: "Ada" }, { actor: "Ada", until: "2026-05-01T00:00:00.000Z" })).toBe(false);
  });
});

describe("a moment", () => {
  const zone = process.env.TZ;
  afterEach(() => {
    process.env.TZ = zone;
  });

  it.each([
    ["UTC", "2026-05-01T10:30"],
    ["Asia/Shanghai", "2026-05-01T18:30"],
    ["America/New_York", "2026-05-01T06:30"],
  ])("is shown in the zone of whoever looks: %s", (name, field) => {
    process.env.TZ = name;
    expect(fieldOf("2026-05-01T10:30:00.000Z")).toBe(field);
    expect(momentOf(field)).toBe("2026-05-01T10:30:00.000Z");
  });

  it("is none as long as the field is not filled in", () => {
    expect(fieldOf(undefined)).toBe("");
    expect(momentOf("")).toBeNull();
  });
});
