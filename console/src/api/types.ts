/** Names for the shapes of the API, taken from its routes so that a renamed schema changes nothing here. */

import type { FetchResponse } from "openapi-fetch";
import type { paths } from "#/api/schema";

type Answer<Operation extends Record<string | number, unknown>> = NonNullable<
  FetchResponse<Operation, Record<never, never>, "application/json">["data"]
>;

export type User = Answer<paths["/api/v1/users/me"]["get"]>["user"];
export type LoginSession = Answer<paths["/api/v1/users/me/sessions"]["get"]>["sessions"][number];
export type ApiKey = Answer<paths["/api/v1/keys"]["get"]>["keys"][number];
export type AuditEvent = Answer<paths["/api/v1/audit"]["get"]>["events"][number];
export type AuditVerdict = Answer<paths["/api/v1/audit/verify"]["get"]>;
export type Status = Answer<paths["/api/status"]["get"]>;
export type Capacity = NonNullable<Answer<paths["/api/v1/capacity"]["get"]>["capacity"]>;
export type CapacityFigure = Capacity["figures"][number];
export type History = Answer<paths["/api/status/history"]["get"]>;
export type HistoryPoint = History["points"][number];
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
export type EnrolmentWarning = Enrolled["warnings"][number];
export type Liveness = NonNullable<PersonImage["liveness"]>;
export type DeletionReceipt = Answer<paths["/api/v1/faces/{person_id}"]["delete"]>["receipt"];
export type HealthAnswer = Answer<paths["/api/v1/gallery/health"]["get"]>;
export type HealthFinding = HealthAnswer["report"]["findings"][number];
export type BulkOptions = NonNullable<
  paths["/api/v1/faces/batch"]["post"]["requestBody"]
>["content"]["multipart/form-data"];
export type Coverage = NonNullable<Pack["coverage"]>;
export type Shadow = NonNullable<Answer<paths["/api/v1/gallery/shadow"]["get"]>["shadow"]>;
export type CataloguedPack = Answer<paths["/api/v1/models/available"]["get"]>["models"][number];
export type Calibration = Answer<paths["/api/v1/gallery/calibrate"]["get"]>["calibration"];
export type CalibratedThreshold = Calibration["proposed"];
export type LookAlike = Calibration["look_alikes"][number];
export type Job = Answer<paths["/api/v1/jobs/{job_id}"]["get"]>["job"];
export type JobItem = Answer<paths["/api/v1/jobs/{job_id}/items"]["get"]>["items"][number];
