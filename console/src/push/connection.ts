/** A WebSocket that stays: it names itself in its first message, comes back when it breaks, and resumes where it was. */

import { type PushedEvent, parseMessage } from "#/push/messages";

export type ConnectionState = "closed" | "connecting" | "live" | "waiting" | "refused";

export const CREDENTIAL_REFUSED = 4401;
export const SCOPE_REFUSED = 4403;

const FIRST_DELAY_MS = 500;
const LONGEST_DELAY_MS = 30_000;
const READY_WITHIN_MS = 15_000;
const HEARTBEAT_S = 30;
/** Silence of so many heartbeats means that nobody is there any more. */
const SILENT_HEARTBEATS = 2.5;
/** A connection that broke sooner has not shown that the server is well. */
const STEADY_MS = 10_000;
const REMEMBERED_EVENTS = 2000;

export interface ConnectionOptions {
  open: () => WebSocket;
  /** The credential to send; `refused` is the one that the server has just turned down. */
  token: (refused: string | null) => Promise<string | null>;
  onEvent: (event: PushedEvent) => void;
  /** Something may have been missed: what is shown has to be read anew. */
  onGap: () => void;
  onState: (state: ConnectionState) => void;
  random?: () => number;
}

type Timer = ReturnType<typeof setTimeout>;

export class PushConnection {
  #state: ConnectionState = "closed";
  #socket: WebSocket | null = null;
  /** Every attempt has its own number, so that nothing of an earlier one is listened to. */
  #attempt = 0;
  #failures = 0;
  #cursor: number | null = null;
  #seen = new Set<number>();
  #refused: string | null = null;
  #renewed = false;
  #liveSince = 0;
  #silenceMs = READY_WITHIN_MS;
  #retryTimer: Timer | undefined;
  #silenceTimer: Timer | undefined;

  constructor(private readonly options: ConnectionOptions) {}

  get state(): ConnectionState {
    return this.#state;
  }

  start() {
    if (this.#state === "closed") void this.#connect();
  }

  /** Where it was is remembered: the next start resumes there. */
  stop() {
    this.#leave();
    this.#failures = 0;
    this.#refused = null;
    this.#renewed = false;
    this.#become("closed");
  }

  /** Another user's events are not resumed. */
  forget() {
    this.stop();
    this.#cursor = null;
    this.#seen.clear();
  }

  /** At once, whatever the back-off says: the network is there again. */
  retryNow() {
    if (this.#state === "waiting" || this.#state === "refused") void this.#connect();
  }

  async #connect() {
    this.#leave();
    const attempt = this.#attempt;
    this.#become("connecting");
    const token = await this.options.token(this.#refused).catch(() => null);
    if (attempt !== this.#attempt) return;
    // The same credential again would be refused again.
    if (token === null || token === this.#refused) return this.#wait();
    const socket = this.options.open();
    this.#socket = socket;
    const mine = () => attempt === this.#attempt;
    this.#listenFor(READY_WITHIN_MS);
    socket.onopen = () => {
      if (!mine()) return;
      const resume = this.#cursor === null ? {} : { last_event_id: this.#cursor };
      socket.send(JSON.stringify({ type: "auth", token, ...resume }));
    };
    socket.onmessage = (message) => {
      if (mine()) this.#receive(message.data);
    };
    socket.onclose = ({ code }) => {
      if (mine()) this.#broke(code, token);
    };
  }

  #receive(data: unknown) {
    this.#listenFor(this.#silenceMs);
    const message = parseMessage(data);
    if (message?.type === "ready") {
      this.#silenceMs = (message.heartbeat_s ?? HEARTBEAT_S) * SILENT_HEARTBEATS * 1000;
      this.#listenFor(this.#silenceMs);
      this.#liveSince = Date.now();
      this.#refused = null;
      this.#renewed = false;
      const isFirst = this.#cursor === null;
      this.#cursor ??= message.last_event_id;
      this.#become("live");
      if (isFirst) this.options.onGap();
    } else if (message?.type === "reset") {
      this.#cursor = message.last_event_id;
      this.#seen.clear();
      this.options.onGap();
    } else if ((message?.type === "job" || message?.type === "event") && this.#isNew(message.event_id))
      this.options.onEvent(message);
  }

  /** What was on its way when the connection broke may come twice. */
  #isNew(eventId: number | undefined): boolean {
    if (eventId === undefined) return true;
    if (this.#seen.has(eventId)) return false;
    this.#seen.add(eventId);
    if (this.#seen.size > REMEMBERED_EVENTS) {
      const [oldest] = this.#seen;
      if (oldest !== undefined) this.#seen.delete(oldest);
    }
    this.#cursor = Math.max(this.#cursor ?? 0, eventId);
    return true;
  }

  #broke(code: number, token: string) {
    const wasSteady = this.#state === "live" && Date.now() - this.#liveSince >= STEADY_MS;
    if (wasSteady) this.#failures = 0;
    this.#leave();
    if (code === SCOPE_REFUSED) return this.#become("refused");
    if (code === CREDENTIAL_REFUSED) {
      this.#refused = token;
      const isFirst = !this.#renewed;
      this.#renewed = true;
      if (isFirst) return void this.#connect();
    }
    this.#wait();
  }

  /** Exponential back-off; the jitter keeps a thousand tabs from coming back in the same moment. */
  #wait() {
    const longest = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** this.#failures);
    this.#failures += 1;
    this.#become("waiting");
    const delay = longest * (0.5 + 0.5 * (this.options.random ?? Math.random)());
    this.#retryTimer = setTimeout(() => void this.#connect(), delay);
  }

  #listenFor(silenceMs: number) {
    clearTimeout(this.#silenceTimer);
    this.#silenceTimer = setTimeout(() => {
      this.#leave();
      this.#wait();
    }, silenceMs);
  }

  #leave() {
    this.#attempt += 1;
    clearTimeout(this.#retryTimer);
    clearTimeout(this.#silenceTimer);
    this.#socket?.close();
    this.#socket = null;
    this.#silenceMs = READY_WITHIN_MS;
  }

  #become(state: ConnectionState) {
    if (state === this.#state) return;
    this.#state = state;
    this.options.onState(state);
  }
}
