/** Names for the shapes of the API, taken from its routes so that a renamed schema changes nothing here. */

import type { FetchResponse } from "openapi-fetch";
import type { paths } from "#/api/schema";

type Answer<Operation extends Record<string | number, unknown>> = NonNullable<
  FetchResponse<Operation, Record<never, never>, "application/json">["data"]
>;

export type Status = Answer<paths["/api/status"]["get"]>;
export type Pack = Answer<paths["/api/v1/models"]["get"]>["models"][number];
export type PersonDetail = Answer<paths["/api/v1/faces/{person_id}"]["get"]>;
export type Person = PersonDetail["person"];
export type PersonImage = PersonDetail["images"][number];
export type Quality = PersonImage["quality"];
export type Enrolled = Answer<paths["/api/v1/faces"]["post"]>;
export type SearchAnswer = Answer<paths["/api/v1/search"]["post"]>;
export type SearchFace = SearchAnswer["faces"][number];
export type Match = SearchFace["matches"][number];
export type CompareAnswer = Answer<paths["/api/v1/compare"]["post"]>;
