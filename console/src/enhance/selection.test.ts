import { describe, expect, it } from "vitest";
import { archiveOf, type Selection, selectionOf, sizeOf } from "#/enhance/selection";

const ALL = ["zip", "tar", "rar", "7z"];
const files = (...names: string[]) => names.map((name) => new File(["12"], name));

function photosOf(selection: ReturnType<typeof selectionOf>): Extract<Selection, { kind: "photos" }> {
  if (typeof selection === "string" || selection.kind !== "photos") throw new Error("no photos");
  return selection;
}

describe("selection", () => {
  it("takes one archive that the server reads", () => {
    for (const name of ["a.zip", "a.TAR", "a.tar.xz", "a.tgz", "a.rar", "a.7z"])
      expect(selectionOf(files(name), ALL)).toMatchObject({ kind: "archive" });
    expect(selectionOf(files("a.rar"), ["zip", "tar"])).toBe("empty");
    expect(selectionOf(files("a.zip", "b.zip"), ALL)).toBe("severalArchives");
    expect(selectionOf([], ALL)).toBe("empty");
  });

  it("takes photos and leaves out what is none", () => {
    const selection = photosOf(selectionOf(files("a.jpg", "b.PNG", "c.webp", "d.gif", "notes.txt"), ALL));
    expect(selection.photos.map(({ path }) => path)).toEqual(["a.jpg", "b.PNG", "c.webp"]);
    expect(selection.leftOut).toBe(2);
    expect(sizeOf(selection)).toBe(6);
  });

  it("gives photos of one name different ones", () => {
    const selection = photosOf(selectionOf(files("a.jpg", "A.jpg", "a.jpg", "a (2).jpg"), ALL));
    const names = selection.photos.map(({ path }) => path);
    expect(new Set(names.map((name) => name.toLowerCase())).size).toBe(4);
    expect(names.slice(0, 2)).toEqual(["a.jpg", "A (2).jpg"]);
  });
});

describe("archive", () => {
  it("is the chosen one itself", async () => {
    const [file] = files("mine.zip");
    expect(await archiveOf(selectionOf([file as File], ALL) as Selection, "x.zip")).toBe(file);
  });

  it("holds the photos with their names", async () => {
    const archive = await archiveOf(photosOf(selectionOf(files("海边.jpg", "b.png"), ALL)), "photos.zip");
    expect(archive.name).toBe("photos.zip");
    const bytes = new Uint8Array(await archive.arrayBuffer());
    expect([...bytes.slice(0, 4)]).toEqual([0x50, 0x4b, 3, 4]);
    const text = new TextDecoder().decode(bytes);
    expect(text).toContain("海边.jpg");
    expect(text).toContain("b.png");
  });
});
