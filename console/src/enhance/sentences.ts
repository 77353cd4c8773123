/** The server's notes, which are sentences of its own, in the person's language; one that is newer stays as it is. */

import { useTranslation } from "react-i18next";
import type { enhanceTexts } from "#/enhance/texts";

type SentenceKey = keyof (typeof enhanceTexts)["en"]["sentences"];

const PATTERNS: [SentenceKey, RegExp][] = [
  ["faceTooSmall", /^The face is too small to be restored\.$/],
  ["faceSharp", /^The face is sharp already\.$/],
  ["faceTooPoor", /^The face is too poor to tell whether it would remain the same person\.$/],
  ["otherPerson", /^Restored, it would no longer be the same person by the recogniser\.$/],
  ["noRestorerRan", /^No face restorer was to run\.$/],
  ["noFace", /^No face was found; the photo was enhanced as a whole\.$/],
  ["noNetwork", /^Without a network there is nothing to enhance at level 1\.$/],
  ["noRestorer", /^No face restorer is at hand; faces were enhanced as the rest of the photo\.$/],
  ["mostFaces", /^Only the (?<most>\d+) largest faces were looked at\.$/],
  ["nothingToRestore", /^No face needed restoring, so at level 1 nothing was changed\.$/],
  [
    "interpolated",
    /^The network enlarges (?<native>\d+) times; the rest, to (?<scale>\d+) times, is interpolation\.$/,
  ],
  [
    "withinTime",
    /^To keep within the time, faces were restored from at most (?<size>[\d.]+) megapixels each\.$/,
  ],
  ["aroundFaces", /^To keep within the time, the photo around the faces was interpolated\.$/],
  ["otherFormat", /^(?<from>\w+) is not written; the result is a (?<to>\w+)\.$/],
  ["noTransparency", /^JPEG knows no transparency; the photo was laid on white\.$/],
  ["firstPicture", /^Only the first picture of the animation was enhanced\.$/],
  ["eightBits", /^The photo has 16 bits a channel; the result has 8\.$/],
  [
    "noProfile",
    /^The photo's colour profile is for (?<mode>\w+) and was left out; its colours were converted\.$/,
  ],
];

/** Which text says the same, and the figures in it; null: none. */
export function readSentence(text: string): { key: SentenceKey; values: Record<string, string> } | null {
  for (const [key, pattern] of PATTERNS) {
    const match = pattern.exec(text);
    if (match) return { key, values: { ...match.groups } };
  }
  return null;
}

export function useSentence(): (text: string) => string {
  const { t } = useTranslation();
  return (text) => {
    const known = readSentence(text);
    if (!known) return text;
    const key = `enhance.sentences.${known.key}` as const;
    return t(key, { ...known.values, defaultValue: text });
  };
}
