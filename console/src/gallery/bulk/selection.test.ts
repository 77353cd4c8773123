import { describe, expect, it } from "vitest";
import {
  type ChosenFile,
  pathOf,
  personsOf,
  type Selection,
  selectionOf,
  sizeOf,
} from "#/gallery/bulk/selection";

const chosen = (...paths: string[]): ChosenFile[] =>
  paths.map((path) => ({ path, file: new File(["12"], path.split("/").at(-1) ?? "") }));

function toProperties(values: object): PropertyDescriptorMap {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, { value }]));
}

function photosOf(...paths: string[]): Extract<Selection, { kind: "photos" }> {
  const selection = selectionOf(chosen(...paths));
  if (typeof selection === "string" || selection.kind !== "photos") throw new Error("no photos");
  return selection;
}

describe("path", () => {
  it("is the browser's for a chosen folder, the drop's for a dropped one", () => {
    const file = (values: object) => Object.defineProperties(new File([], "1.jpg"), toProperties(values));
    expect(pathOf(file({ webkitRelativePath: "People/Ann/1.jpg", path: "./1.jpg" }))).toBe(
      "People/Ann/1.jpg",
    );
    expect(pathOf(file({ path: "/People/Ann/1.jpg", relativePath: "/People/Ann/1.jpg" }))).toBe(
      "People/Ann/1.jpg",
    );
    expect(pathOf(file({ path: "./1.jpg" }))).toBe("1.jpg");
    expect(pathOf(new File([], "1.jpg"))).toBe("1.jpg");
  });
});

describe("selection", () => {
  it("takes one archive", () => {
    for (const name of ["people.zip", "people.TAR", "people.tar.gz", "people.tgz"])
      expect(selectionOf(chosen(name))).toMatchObject({ kind: "archive" });
    expect(selectionOf(chosen("a.zip", "b.zip"))).toBe("severalArchives");
    expect(selectionOf(chosen("notes.txt"))).toBe("empty");
    expect(selectionOf([])).toBe("empty");
  });

  it("takes off the chosen folder when every person has one of their own", () => {
    const { photos } = photosOf("People/Ann/1.jpg", "People/Ann/2.jpg", "People/Bob Lee/a.PNG");
    expect(photos.map(({ path }) => path)).toEqual(["Ann/1.jpg", "Ann/2.jpg", "Bob Lee/a.PNG"]);
    expect(personsOf(photos)).toEqual(["Ann", "Bob Lee"]);
  });

  it("keeps the chosen folder when it is the person", () => {
    const { photos } = photosOf("Ann/1.jpg", "Ann/2.jpg");
    expect(photos.map(({ path }) => path)).toEqual(["Ann/1.jpg", "Ann/2.jpg"]);
    expect(personsOf(photos)).toEqual(["Ann"]);
  });

  it("names persons by the file where there is no folder", () => {
    expect(personsOf(photosOf("Ann.jpg", "张伟.webp").photos)).toEqual(["Ann", "张伟"]);
  });

  it("sends a manifest beside the photos, which are named as it names them", () => {
    const selection = photosOf("Staff/manifest.csv", "Staff/1.jpg", "Staff/more/2.jpg");
    expect(selection.manifest?.name).toBe("manifest.csv");
    expect(selection.photos.map(({ path }) => path)).toEqual(["1.jpg", "more/2.jpg"]);
    expect(selection.leftOut).toBe(0);
    expect(sizeOf(selection)).toBe(6);
  });

  it("leaves out what is no photo", () => {
    const selection = photosOf("a/1.jpg", "a/.hidden.jpg", "__MACOSX/a/1.jpg", "a/notes.txt");
    expect(selection.photos).toHaveLength(1);
    expect(selection.leftOut).toBe(3);
  });
});
