/** Whether a file is a photo or a video, as far as a browser can tell; the server judges by the content. */

export type MediaKind = "photo" | "video";

const VIDEOS = new Set(["mp4", "m4v", "mov", "mkv", "webm"]);
const PHOTOS = new Set(["jpg", "jpeg", "png", "webp", "bmp", "gif", "heic", "heif", "avif"]);

/** Null: neither by its type nor by its name. */
export function mediaKind({ type, name }: { type: string; name: string }): MediaKind | null {
  if (type.startsWith("video/")) return "video";
  if (type.startsWith("image/")) return "photo";
  // Browsers know no type of Matroska and HEIC files.
  const ending = /\.([^.]+)$/.exec(name)?.[1]?.toLowerCase() ?? "";
  if (VIDEOS.has(ending)) return "video";
  return PHOTOS.has(ending) ? "photo" : null;
}

const ENDINGS: Record<string, string> = {
  "image/jpeg": "jpg",
  "image/png": "png",
  "image/webp": "webp",
  "video/mp4": "mp4",
};

/** What the name of a file of this media type ends in. */
export function endingOf(mediaType: string): string {
  return ENDINGS[mediaType] ?? "bin";
}
