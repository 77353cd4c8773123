import { describe, expect, it } from "vitest";
import type { HealthFinding } from "#/api/types";
import { groupsOf, losesSomething, mendingOf, picturesOf, wordingOf } from "#/health/findings";

const ann = { person_id: "a", name: "Ann" };
const ben = { person_id: "b", name: "Ben" };

function finding(values: Partial<HealthFinding>): HealthFinding {
  return {
    finding_id: "1",
    kind: "duplicate_persons",
    severity: "high",
    persons: [ann, ben],
    images: [],
    score: 0.7,
    limit: 0.5,
    explanation: "",
    actions: [],
    ...values,
  };
}

function mending(one: HealthFinding, action: string, body: Record<string, unknown> | null = null) {
  return mendingOf(one, { action, label: "", label_code: "", method: "POST", path: "", body });
}

describe("findings", () => {
  it("are grouped with the worst first", () => {
    const groups = groupsOf([
      finding({ kind: "single_poor_image" }),
      finding({ kind: "misfiled_image" }),
      finding({ kind: "single_poor_image", finding_id: "2" }),
    ]);
    expect(groups.map((group) => [group.kind, group.findings.length])).toEqual([
      ["misfiled_image", 1],
      ["single_poor_image", 2],
    ]);
  });

  it("show their photos, and the primary photo of who has none among them", () => {
    const misfiled = finding({ kind: "misfiled_image", images: [{ person_id: "a", image_id: "i" }] });
    expect(picturesOf(misfiled)).toEqual([
      { personId: "a", name: "Ann", imageId: "i" },
      { personId: "b", name: "Ben", imageId: null },
    ]);
  });

  it("are told in words of their own where a kind has two meanings", () => {
    const images = [
      { person_id: "a", image_id: "i" },
      { person_id: "a", image_id: "j" },
    ];
    expect(wordingOf(finding({ kind: "outlier_image", images }))).toBe("outlier_images");
    expect(wordingOf(finding({ kind: "outlier_image", images: images.slice(1) }))).toBe("outlier_image");
    expect(wordingOf(finding({ kind: "duplicate_images", score: null }))).toBe("same_file");
  });
});

describe("actions", () => {
  it("merge one way or the other", () => {
    expect(mending(finding({}), "merge")).toEqual({ does: "merge", into: "Ann", merged: "Ben" });
    expect(mending(finding({}), "merge_2")).toEqual({ does: "merge", into: "Ben", merged: "Ann" });
  });

  it("name the photo by its number only where one person has several", () => {
    const images = [
      { person_id: "a", image_id: "i" },
      { person_id: "b", image_id: "j" },
    ];
    expect(mending(finding({ images }), "delete_image_2")).toEqual({
      does: "delete_image",
      name: "Ben",
      number: null,
    });
    const own = [...images.slice(0, 1), { person_id: "a", image_id: "j" }];
    expect(mending(finding({ images: own }), "delete_image_2")).toMatchObject({ name: "Ann", number: 2 });
  });

  it("ask first where something is lost", () => {
    const threshold = mending(finding({}), "set_threshold_2", { threshold: 0.71 });
    expect(threshold).toEqual({ does: "set_threshold", name: "Ben", threshold: 0.71 });
    expect(losesSomething(threshold)).toBe(false);
    expect(losesSomething(mending(finding({}), "merge"))).toBe(true);
    expect(losesSomething(mending(finding({}), "dismiss"))).toBe(false);
    expect(mending(finding({}), "paint_blue")).toEqual({ does: "unknown" });
  });
});
