/** What of the log is looked at: it lives in the address, so that a view of it can be passed on. */
export interface EventFilter {
  /** Id or name. */
  actor?: string;
  action?: string;
  /** Id. */
  target?: string;
  /** ISO 8601, UTC. */
  since?: string;
  /** ISO 8601, UTC; exclusive. */
  until?: string;
}

const texts = ["actor", "action", "target"] as const;
const moments = ["since", "until"] as const;

/** What an address asks for, as far as it can be read. */
export function filterOf(search: Record<string, unknown>): EventFilter {
  const filter: EventFilter = {};
  for (const name of texts) {
    // The router reads what looks like a number as one.
    const text = typeof search[name] === "number" ? String(search[name]) : search[name];
    if (typeof text === "string" && text.trim()) filter[name] = text.trim();
  }
  for (const name of moments) {
    const text = search[name];
    if (typeof text === "string" && !Number.isNaN(Date.parse(text))) filter[name] = text;
  }
  return filter;
}

export function isSame(one: EventFilter, other: EventFilter): boolean {
  return [...texts, ...moments].every((name) => one[name] === other[name]);
}

/** As a field for date and time holds it: in the zone of whoever looks. */
export function fieldOf(moment: string | undefined): string {
  if (!moment) return "";
  const date = new Date(moment);
  const local = new Date(date.getTime() - 60_000 * date.getTimezoneOffset());
  return local.toISOString().slice(0, 16);
}

/** Null as long as the field is not filled in. */
export function momentOf(field: string): string | null {
  const date = new Date(field);
  return Number.isNaN(date.getTime()) ? null : date.toISOString();
}
