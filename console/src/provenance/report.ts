/** What a verification says about each label. */

import type { components } from "#/api/schema";
import { LABELS, type Label } from "#/swap/types";

type Schemas = components["schemas"];

export type ProvenanceReport = Schemas["ProvenanceAnswer"];
export type ProvenanceRecord = Schemas["OutputAnswer"];

/** `broken`: it is there, and does not fit the file; `lost`: the file was given out with it. */
export type LabelState = "there" | "broken" | "lost" | "absent";

/** What the operator's records say about the file; null: nothing, or nothing for this reader. */
export function recordOf(report: ProvenanceReport): ProvenanceRecord | null {
  return report.marks.find((mark) => mark.output !== null)?.output ?? null;
}

export function isOwn(report: ProvenanceReport): boolean {
  return report.marks.some((mark) => mark.is_own);
}

export function labelStates(report: ProvenanceReport): [Label, LabelState][] {
  const given = recordOf(report)?.labels ?? [];
  return LABELS.map((label) => {
    if (report.survived.includes(label)) return [label, "there"];
    if (label === "c2pa" && report.manifest !== null) return [label, "broken"];
    return [label, given.includes(label) ? "lost" : "absent"];
  });
}

export type Source = "swap" | "enhancement" | "other";

const SOURCES: Record<string, Source> = {
  compositeWithTrainedAlgorithmicMedia: "swap",
  algorithmicallyEnhanced: "enhancement",
};

/** What was done to it, by IPTC's vocabulary: the signed word counts before the unsigned one; null: it does not say. */
export function sourceOf(report: ProvenanceReport): Source | null {
  const uri = report.manifest?.digital_source_type ?? report.metadata.digital_source_type;
  if (!uri) return null;
  return SOURCES[uri.slice(uri.lastIndexOf("/") + 1)] ?? "other";
}
