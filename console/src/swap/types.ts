/** Shapes of the swap API. */

import type { components } from "#/api/schema";

type Schemas = components["schemas"];

export type SwapKind = Schemas["SwapKind"];
export type SwapPolicy = Schemas["PolicyAnswer"];
export type SwapEngine = Schemas["EngineAnswer"];
export type EngineFinding = Schemas["EngineFindingAnswer"];
export type Consent = Schemas["ConsentAnswer"];
export type NewConsent = Schemas["NewConsentFields"];
export type LiveSwap = Schemas["LiveAnswer"];
export type LiveFields = Schemas["LiveFields"];

export const KINDS = ["image", "video", "live"] as const satisfies readonly SwapKind[];

/** The marks an output can carry, the one that everybody sees first. */
export const LABELS = ["visible", "xmp", "aigc", "c2pa", "watermark"] as const;
export type Label = (typeof LABELS)[number];
