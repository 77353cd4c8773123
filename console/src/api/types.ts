/** Names for the shapes of the API, taken from its routes so that a renamed schema changes nothing here. */

import type { paths } from "#/api/schema";

type Json<Response> = Response extends { content: { "application/json": infer Body } } ? Body : never;

export type Status = Json<paths["/api/status"]["get"]["responses"][200]>;
export type Pack = Json<paths["/api/v1/models"]["get"]["responses"][200]>["models"][number];
export type PersonPage = Json<paths["/api/v1/faces"]["get"]["responses"][200]>;
export type PersonDetail = Json<paths["/api/v1/faces/{person_id}"]["get"]["responses"][200]>;
export type Person = PersonDetail["person"];
export type PersonImage = PersonDetail["images"][number];
export type Quality = PersonImage["quality"];
export type Enrolled = Json<paths["/api/v1/faces"]["post"]["responses"][201]>;
export type SearchAnswer = Json<paths["/api/v1/search"]["post"]["responses"][200]>;
export type SearchFace = SearchAnswer["faces"][number];
export type Match = SearchFace["matches"][number];
export type CompareAnswer = Json<paths["/api/v1/compare"]["post"]["responses"][200]>;
