/** What came of a swap, and what it was asked for, as far as a job says it. */

import type { Job } from "#/api/types";
import type { MediaKind } from "#/media/kind";

export const SWAP_KIND = "swap.run";

export interface SwapOutput {
  mediaType: string;
  kind: MediaKind;
  sizeBytes: number;
  sha256: string;
  labels: string[];
  mark: string;
  engine: string;
  engineVersion: string;
  provider: string | null;
  facesSwapped: number;
  frames: number;
  hasAudio: boolean;
  notes: string[];
  isPreview: boolean;
  expiresAt: string;
}

/** Null: it has not come to anything, or it is somebody else's. */
export function outputOf(job: Job): SwapOutput | null {
  const raw = job.result;
  if (job.kind !== SWAP_KIND || !raw || typeof raw.media_type !== "string") return null;
  return {
    mediaType: raw.media_type,
    kind: raw.media_type.startsWith("video/") ? "video" : "photo",
    sizeBytes: number(raw.size_bytes),
    sha256: text(raw.sha256),
    labels: list(raw.labels),
    mark: text(raw.mark),
    engine: text(raw.engine),
    engineVersion: text(raw.engine_version),
    provider: typeof raw.provider === "string" ? raw.provider : null,
    facesSwapped: number(raw.faces_swapped),
    frames: number(raw.frames),
    hasAudio: raw.has_audio === true,
    notes: list(raw.notes),
    isPreview: raw.preview === true,
    expiresAt: text(raw.expires_at),
  };
}

/** What the target was called; empty where the job does not say. */
export function targetOf(job: Job): string {
  return text(job.parameters.target_name);
}

export function isPreview(job: Job): boolean {
  return job.parameters.preview === true;
}

/** The server keeps a result for a while. */
export function isExpired(output: SwapOutput, now: Date): boolean {
  return new Date(output.expiresAt) <= now;
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function number(value: unknown): number {
  return typeof value === "number" ? value : 0;
}

function list(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === "string") : [];
}
