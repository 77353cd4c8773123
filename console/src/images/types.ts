/** Shapes of the images API. */

import type { components } from "#/api/schema";

type Schemas = components["schemas"];

export type StoredImage = Schemas["ImageAnswer"];
export type InferenceModel = Schemas["InferenceModelAnswer"];
export type InferenceResult = Schemas["ResultAnswer"];
export type InferenceTask = Schemas["TaskAnswer"];
