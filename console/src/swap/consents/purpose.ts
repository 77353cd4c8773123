/** A purpose is a word of the operator's own: letters, digits and single hyphens between them. */

const PURPOSE = /^[a-z0-9]+(-[a-z0-9]+)*$/;
const MOST_CHARS = 64;

/** What is typed, as far as it can be meant: spaces become hyphens, capitals small letters. */
export function asPurpose(text: string): string {
  return text.toLowerCase().replace(/\s+/g, "-").slice(0, MOST_CHARS);
}

export function isPurpose(text: string): boolean {
  return text.length <= MOST_CHARS && PURPOSE.test(text);
}
