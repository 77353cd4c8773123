/** Shapes of the streams API. */

import type { components } from "#/api/schema";

type Schemas = components["schemas"];

export type Stream = Schemas["StreamAnswer"];
export type StreamEvent = Schemas["StreamEventAnswer"];
export type StreamEventsPage = Schemas["StreamEventsAnswer"];
export type StartFields = Schemas["StartFields"];

/** In minutes; -1: never. */
export const LIFETIMES = { quarter: 15, hour: 60, shift: 480, day: 1440, never: -1 };
export type Lifetime = keyof typeof LIFETIMES;
export const lifetimes = Object.keys(LIFETIMES) as Lifetime[];

const STATES = ["connecting", "running", "reconnecting", "ended", "failed"] as const;
export type StreamState = (typeof STATES)[number];

export function stateOf(stream: Stream): StreamState {
  return STATES.find((state) => state === stream.state) ?? "failed";
}

export function isOver(stream: Stream): boolean {
  return stream.health === null || stream.feed_url === null;
}
