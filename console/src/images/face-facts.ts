/** What a model says of a face, in short: its own words and figures, and of a group the figure that sums it up. */

export interface FaceFact {
  name: string;
  value: string | number | boolean;
  /** A share of the whole, such as a quality. */
  isShare: boolean;
}

const SUMS = ["overall", "is_live"];

export function factsOf(facts: Record<string, unknown>): FaceFact[] {
  return Object.entries(facts).flatMap(([name, value]) => {
    if (isPlain(value)) return [{ name, value, isShare: false }];
    if (typeof value !== "object" || value === null || Array.isArray(value)) return [];
    const group = value as Record<string, unknown>;
    const sum = SUMS.map((part) => group[part]).find(isPlain);
    if (sum !== undefined) return [{ name, value: sum, isShare: typeof sum === "number" }];
    // A group without one, such as the attributes, is as good as its parts.
    return factsOf(group);
  });
}

function isPlain(value: unknown): value is string | number | boolean {
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean";
}
