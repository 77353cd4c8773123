/** Shapes of the enhancement API. */

import type { components } from "#/api/schema";

type Schemas = components["schemas"];

export type Enhancement = Schemas["EnhancementAnswer"];
export type EnhancementPhoto = Schemas["EnhancementPhotoAnswer"];
export type EnhancementReport = Schemas["EnhancementReportAnswer"];
export type EnhancedFace = Schemas["EnhancedFaceAnswer"];
export type Submitted = Schemas["EnhancementSubmittedAnswer"];
export type ResultFacts = Schemas["EnhancementResultAnswer"];
export type Estimate = Schemas["EnhancementEstimateAnswer"];
export type Engines = Schemas["EnhancementEnginesAnswer"];
export type Engine = Schemas["EnhancementEngineAnswer"];
export type OutputFormat = Schemas["OutputFormat"];
export type Stage = Schemas["Stage"];

/** What is pushed of an enhancement; the rest has to be asked for. */
export interface PushedEnhancement {
  enhancement_id: string;
  status: Enhancement["status"];
  progress: number;
  done: number;
  total: number | null;
  failed: number;
  /** Of the photo that is being worked on. */
  position: number | null;
  stage: Stage | null;
  photo_progress: number | null;
}

/** In the order in which a photo goes through them. */
export const stages: Stage[] = ["decoding", "detecting", "upscaling", "restoring", "measuring", "encoding"];

export function isWorking({ status }: Enhancement): boolean {
  return status === "pending" || status === "processing";
}
