/** What the server says over a push connection. */

import type { Job } from "#/api/types";
import type { PushedEnhancement } from "#/enhance/types";
import type { InferenceTask } from "#/images/types";
import type { StreamEvent } from "#/streams/types";

export interface PushedJob {
  job_id: string;
  kind: string;
  status: Job["status"];
  done: number;
  total: number | null;
  message: string | null;
  error: Job["error"];
  created_at: string;
  finished_at: string | null;
}

export interface JobEvent {
  type: "job";
  /** Of a change that is kept and can be asked for again; progress in between has none. */
  event_id?: number;
  job: PushedJob;
  /** Of an inference, or of an enhancement, for its owner. */
  task?: InferenceTask | PushedEnhancement;
}

/** Who came and went in a stream. */
export interface StreamEventMessage {
  type: "event";
  event_id: number;
  event: StreamEvent;
}

/** What is told, as against what keeps the connection going. */
export type PushedEvent = JobEvent | StreamEventMessage;

export type PushMessage =
  | { type: "ready"; last_event_id: number; heartbeat_s?: number }
  | { type: "heartbeat" }
  /** What was missed is not kept any more. */
  | { type: "reset"; last_event_id: number }
  | PushedEvent;

const known = new Set(["ready", "heartbeat", "reset", "job", "event"]);

/** Null for what this console does not know, which a newer server may send. */
export function parseMessage(data: unknown): PushMessage | null {
  if (typeof data !== "string") return null;
  try {
    const message: unknown = JSON.parse(data);
    const isKnown =
      typeof message === "object" && message !== null && "type" in message && known.has(String(message.type));
    return isKnown ? (message as PushMessage) : null;
  } catch {
    return null;
  }
}
