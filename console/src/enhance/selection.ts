/** What was chosen for a batch: one archive, or photos that become one here. */

import { downloadZip } from "client-zip";
import { type ChosenFile, pathOf } from "#/gallery/bulk/selection";

export type Selection =
  | { kind: "archive"; file: File }
  | {
      kind: "photos";
      photos: ChosenFile[];
      /** Files that are no photos that the server enhances: they stay here. */
      leftOut: number;
    };

export type SelectionProblem = "empty" | "severalArchives";

const PHOTO = /\.(jpe?g|png|webp)$/i;
/** By the names that the server tells. */
const ENDINGS: Record<string, RegExp> = {
  zip: /\.zip$/i,
  tar: /\.(tar|tgz|tbz2?|txz|tar\.(gz|bz2|xz))$/i,
  rar: /\.rar$/i,
  "7z": /\.7z$/i,
};

/** `archiveFormats`: those that the server reads. */
export function selectionOf(files: File[], archiveFormats: string[]): Selection | SelectionProblem {
  const isArchive = ({ name }: File) => archiveFormats.some((format) => ENDINGS[format]?.test(name));
  const archives = files.filter(isArchive);
  const photos = files
    .map((file) => ({ file, path: pathOf(file) }))
    .filter(({ path }) => PHOTO.test(path) && !isHidden(path));
  const [archive] = archives;
  if (archive && photos.length === 0)
    return archives.length > 1 ? "severalArchives" : { kind: "archive", file: archive };
  if (photos.length === 0) return "empty";
  return { kind: "photos", photos: distinct(photos), leftOut: files.length - photos.length };
}

export function acceptOf(archiveFormats: string[]): string {
  const endings: Record<string, string> = {
    zip: ".zip",
    tar: ".tar,.gz,.tgz,.bz2,.xz",
    rar: ".rar",
    "7z": ".7z",
  };
  return archiveFormats.flatMap((format) => endings[format] ?? []).join(",");
}

export function sizeOf(selection: Selection): number {
  if (selection.kind === "archive") return selection.file.size;
  return selection.photos.reduce((sum, { file }) => sum + file.size, 0);
}

/** Photos are not packed any smaller: they are as small as they get. */
export async function archiveOf(selection: Selection, name: string): Promise<File> {
  if (selection.kind === "archive") return selection.file;
  const entries = selection.photos.map(({ file, path }) => ({ name: path, input: file }));
  return new File([await downloadZip(entries).blob()], name, { type: "application/zip" });
}

/** Two photos of one name come from different folders that the browser does not tell of. */
function distinct(photos: ChosenFile[]): ChosenFile[] {
  const taken = new Set<string>();
  return photos.map(({ file, path }) => {
    let name = path;
    for (let number = 2; taken.has(name.toLowerCase()); number += 1)
      name = path.replace(/(\.[^.]+)$/, ` (${number})$1`);
    taken.add(name.toLowerCase());
    return { file, path: name };
  });
}

function isHidden(path: string): boolean {
  return path.split("/").some((part) => part.startsWith(".") || part === "__MACOSX");
}
