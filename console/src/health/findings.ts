/** How the findings of a health report are grouped, which photos they are about, and what their actions do. */

import type { HealthFinding } from "#/api/types";

export type FindingKind = HealthFinding["kind"];
export type Severity = HealthFinding["severity"];

/** The worst first. */
const kinds: FindingKind[] = [
  "misfiled_image",
  "duplicate_persons",
  "outlier_image",
  "look_alikes",
  "duplicate_images",
  "no_embedding",
  "single_poor_image",
];

export interface Group {
  kind: FindingKind;
  findings: HealthFinding[];
}

export function groupsOf(findings: HealthFinding[]): Group[] {
  return kinds
    .map((kind) => ({ kind, findings: findings.filter((finding) => finding.kind === kind) }))
    .filter((group) => group.findings.length > 0);
}

export interface Picture {
  personId: string;
  name: string;
  /** Null: the person's primary photo. */
  imageId: string | null;
}

/** The photos that show what is wrong, in the finding's order, then those of persons who would go without. */
export function picturesOf(finding: HealthFinding): Picture[] {
  const names = new Map(finding.persons.map((person) => [person.person_id, person.name]));
  const shown = finding.images.map((image) => ({
    personId: image.person_id,
    name: names.get(image.person_id) ?? image.person_id,
    imageId: image.image_id,
  }));
  const seen = new Set(finding.images.map((image) => image.person_id));
  const others = finding.persons
    .filter((person) => !seen.has(person.person_id))
    .map((person) => ({ personId: person.person_id, name: person.name, imageId: null }));
  return [...shown, ...others];
}

/** Findings that are judged by the other photos of the person they are about. */
export function needsOwnPhotos(finding: HealthFinding): boolean {
  return (
    finding.kind === "misfiled_image" || (finding.kind === "outlier_image" && finding.images.length === 1)
  );
}

/** Which text explains it: some kinds have two. */
export type Wording = FindingKind | "outlier_images" | "same_file";

export function wordingOf(finding: HealthFinding): Wording {
  if (finding.kind === "outlier_image" && finding.images.length > 1) return "outlier_images";
  if (finding.kind === "duplicate_images" && finding.score === null) return "same_file";
  return finding.kind;
}

export type Mending =
  | { does: "merge"; into: string; merged: string }
  | { does: "move_image"; to: string }
  | { does: "delete_image"; name: string; number: number | null }
  | { does: "set_threshold"; name: string; threshold: number }
  | { does: "generate_features" }
  | { does: "dismiss" }
  | { does: "unknown" };

/** What an action does, and to whom. `merge_2` is the second way to merge, and so on. */
export function mendingOf(finding: HealthFinding, action: HealthFinding["actions"][number]): Mending {
  const match = /^(?<does>[a-z_]+?)(?:_(?<number>\d+))?$/.exec(action.action);
  const place = Number(match?.groups?.number ?? 1) - 1;
  const name = (index: number) => finding.persons[index]?.name ?? "";
  switch (match?.groups?.does) {
    case "merge":
      return { does: "merge", into: name(place), merged: name(1 - place) };
    case "move_image":
      return { does: "move_image", to: name(1) };
    case "delete_image": {
      const owner = finding.images[place]?.person_id;
      const own = finding.images.filter((image) => image.person_id === owner);
      return {
        does: "delete_image",
        name: finding.persons.find((person) => person.person_id === owner)?.name ?? "",
        number: own.length > 1 ? place + 1 : null,
      };
    }
    case "set_threshold":
      return { does: "set_threshold", name: name(place), threshold: Number(action.body?.threshold) };
    case "generate_features":
      return { does: "generate_features" };
    case "dismiss":
      return { does: "dismiss" };
    default:
      return { does: "unknown" };
  }
}

/** What cannot be taken back is asked about first. */
export function losesSomething(
  mending: Mending,
): mending is Extract<Mending, { does: "merge" | "delete_image" }> {
  return mending.does === "merge" || mending.does === "delete_image";
}
