/** Metadata as rows of a form: a JSON object that a person can edit without knowing JSON. */

export const kinds = ["text", "number", "flag", "json"] as const;
export type Kind = (typeof kinds)[number];

export interface Field {
  id: number;
  key: string;
  kind: Kind;
  text: string;
}

export type FieldProblem = "keyEmpty" | "keyTwice" | "notNumber" | "notFlag" | "notJson";

let fields = 0;

export function newField(key = "", value: unknown = ""): Field {
  fields += 1;
  const kind = kindOf(value);
  return {
    id: fields,
    key,
    kind,
    text: kind === "text" || kind === "number" ? String(value) : JSON.stringify(value),
  };
}

export function fieldsOf(metadata: Record<string, unknown>): Field[] {
  return Object.entries(metadata).map(([key, value]) => newField(key, value));
}

export function problemOfField(field: Field, all: Field[]): FieldProblem | null {
  if (!field.key.trim()) return "keyEmpty";
  if (all.some((other) => other.id !== field.id && other.key.trim() === field.key.trim())) return "keyTwice";
  if (field.kind === "number" && !isNumber(field.text)) return "notNumber";
  if (field.kind === "flag" && !["true", "false"].includes(field.text.trim())) return "notFlag";
  if (field.kind === "json" && parsed(field.text) === undefined) return "notJson";
  return null;
}

/** Only for fields without a problem. */
export function metadataOf(list: Field[]): Record<string, unknown> {
  return Object.fromEntries(list.map((field) => [field.key.trim(), enteredValue(field)]));
}

export function shown(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

function kindOf(value: unknown): Kind {
  if (typeof value === "string") return "text";
  if (typeof value === "number") return "number";
  return typeof value === "boolean" ? "flag" : "json";
}

function enteredValue(field: Field): unknown {
  return field.kind === "text" ? field.text : parsed(field.text.trim());
}

function isNumber(text: string): boolean {
  return typeof parsed(text.trim()) === "number";
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
