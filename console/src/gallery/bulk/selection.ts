/** What was chosen for a bulk enrolment: one archive, or photos whose folders say who they show. */

export interface ChosenFile {
  file: File;
  /** With the folders it lies in, as the browser tells them. */
  path: string;
}

export type Selection =
  | { kind: "archive"; file: File }
  | {
      kind: "photos";
      photos: ChosenFile[];
      /** Says who is who instead of the folders. */
      manifest: File | null;
      /** Files that are no photos: they stay here. */
      leftOut: number;
    };

export type SelectionProblem = "empty" | "severalArchives";

const ARCHIVE = /\.(zip|tar|tgz|tar\.gz)$/i;
const PHOTO = /\.(jpe?g|png|webp|bmp|gif|tiff?|avif|heic|heif)$/i;
const MANIFEST = /(^|\/)manifest\.(json|csv)$/;

export function pathOf(file: File & { path?: string; relativePath?: string }): string {
  const path = file.webkitRelativePath || file.relativePath || file.path || file.name;
  return path.replace(/^(\.?\/)+/, "");
}

export function selectionOf(files: ChosenFile[]): Selection | SelectionProblem {
  const archives = files.filter(({ file }) => ARCHIVE.test(file.name));
  const [archive] = archives;
  const photos = files.filter(({ path }) => PHOTO.test(path) && !isHidden(path));
  if (archive && photos.length === 0) {
    return archives.length > 1 ? "severalArchives" : { kind: "archive", file: archive.file };
  }
  if (photos.length === 0) return "empty";
  const root = rootOf(files);
  const manifest = files.find(({ path }) => MANIFEST.test(path) && path.slice(root.length).indexOf("/") < 0);
  // The folder that was chosen is nobody's name where each person has a folder in it, or a manifest names all.
  const strips = manifest !== undefined || photos.every(({ path }) => path.slice(root.length).includes("/"));
  return {
    kind: "photos",
    photos: photos.map(({ file, path }) => ({ file, path: strips ? path.slice(root.length) : path })),
    manifest: manifest?.file ?? null,
    leftOut: files.length - photos.length - (manifest ? 1 : 0),
  };
}

/** Names of the persons, by the folder a photo lies in; alone, by its own name. The server decides the same way. */
export function personsOf(photos: ChosenFile[]): string[] {
  return [...new Set(photos.map(({ path }) => personOf(path)))];
}

function personOf(path: string): string {
  const parts = path.split("/");
  const folder = parts.at(-2);
  return folder ?? path.replace(/\.[^.]+$/, "");
}

export function sizeOf(selection: Selection): number {
  if (selection.kind === "archive") return selection.file.size;
  return selection.photos.reduce((sum, { file }) => sum + file.size, 0) + (selection.manifest?.size ?? 0);
}

function isHidden(path: string): boolean {
  return path.split("/").some((part) => part.startsWith(".") || part === "__MACOSX");
}

/** The one folder that everything lies in, with its slash; empty when there is none. */
function rootOf(files: ChosenFile[]): string {
  const [first] = files;
  const end = first ? first.path.indexOf("/") + 1 : 0;
  const root = first?.path.slice(0, end) ?? "";
  return files.every(({ path }) => path.startsWith(root)) ? root : "";
}
