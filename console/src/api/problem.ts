/** RFC 9457 problem details: the one form in which the server says what went wrong. */

export interface ProblemField {
  field: string;
  message: string;
  code: string;
}

export interface NormalizedBox {
  left: number;
  top: number;
  width: number;
  height: number;
}

export interface ProblemFace {
  face_index: number;
  box_normalized: NormalizedBox;
  detection_score: number;
}

/** What is amiss with a photo, as enrolment and its refusals say it. */
export interface ProblemWarning {
  code: string;
  message: string;
  value: number;
  limit: number;
  person_id?: string | null;
  name?: string | null;
}

export interface Problem {
  status: number;
  code: string;
  title: string;
  detail: string;
  requestId: string;
  errors: ProblemField[];
  faces: ProblemFace[];
  warnings: ProblemWarning[];
  /** How long the server asks to be left alone; null: it does not say. */
  retryAfterS: number | null;
  /** All that the answer says, for the figures that only one code carries. */
  context: Record<string, unknown>;
}

export const UNREACHABLE = "server_unreachable";
export const UNREADABLE = "answer_unreadable";

export class ProblemError extends Error {
  override readonly name = "ProblemError";

  constructor(readonly problem: Problem) {
    super(problem.detail || problem.title);
  }
}

/** What can be read of an error answer, whatever a proxy in between may have made of it; `retryAfter` is the header. */
export function parseProblem(status: number, body: unknown, retryAfter: string | null = null): Problem {
  const raw = isRecord(body) ? body : {};
  const isProblem = typeof raw.code === "string" && typeof raw.title === "string";
  return {
    status,
    code: isProblem ? String(raw.code) : UNREADABLE,
    title: isProblem ? String(raw.title) : `HTTP ${status}`,
    detail: typeof raw.detail === "string" ? raw.detail : "",
    requestId: typeof raw.request_id === "string" ? raw.request_id : "",
    errors: records(raw.errors).map((item) => ({
      field: String(item.field ?? ""),
      message: String(item.message ?? ""),
      code: String(item.code ?? ""),
    })),
    faces: records(raw.faces).flatMap((item) => (isFace(item) ? [item] : [])),
    warnings: warningsOf(raw.warnings),
    retryAfterS: retryAfter && /^\d+$/.test(retryAfter) ? Number(retryAfter) : null,
    context: raw,
  };
}

export function problemOf(error: unknown): Problem {
  if (error instanceof ProblemError) return error.problem;
  const blank = {
    status: 0,
    requestId: "",
    errors: [],
    faces: [],
    warnings: [],
    retryAfterS: null,
    context: {},
  };
  // fetch answers a lost connection with a TypeError and nothing else.
  if (error instanceof TypeError) {
    return { ...blank, code: UNREACHABLE, title: "Server not reachable", detail: error.message };
  }
  return { ...blank, code: "console_error", title: "Console error", detail: String(error) };
}

interface Answer<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

/** The data of an answer; a problem is thrown. */
export async function answered<T>(call: Promise<Answer<T>>): Promise<T> {
  const { data, error, response } = await call;
  if (!response.ok)
    throw new ProblemError(parseProblem(response.status, error, response.headers.get("retry-after")));
  return data as T;
}

export function warningsOf(value: unknown): ProblemWarning[] {
  return records(value).flatMap((item) => (isWarning(item) ? [item] : []));
}

function isWarning(value: unknown): value is ProblemWarning {
  return (
    isRecord(value) &&
    typeof value.code === "string" &&
    typeof value.message === "string" &&
    typeof value.value === "number" &&
    typeof value.limit === "number"
  );
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function records(value: unknown): Record<string, unknown>[] {
  return Array.isArray(value) ? value.filter(isRecord) : [];
}

function isFace(value: unknown): value is ProblemFace {
  return isRecord(value) && typeof value.face_index === "number" && isRecord(value.box_normalized);
}
