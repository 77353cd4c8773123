/** One connection a tab for all who watch the same thing; while it cannot be had, the server is asked every now and then. */

import { type ConnectionState, PushConnection } from "#/push/connection";
import type { PushedEvent } from "#/push/messages";

/** Pages follow each other within it, and find the connection still open. */
const LINGER_MS = 3000;
const POLL_MS = 2000;

export interface ChannelOptions {
  open: () => WebSocket;
  token: (refused: string | null) => Promise<string | null>;
  onEvent: (event: PushedEvent) => void;
  /** Something may have been missed. */
  onGap: () => void;
  /** Called again and again as long as nothing is pushed. */
  onPoll: () => void;
}

export class PushChannel {
  readonly #connection: PushConnection;
  readonly #listeners = new Set<() => void>();
  #members = 0;
  #linger: ReturnType<typeof setTimeout> | undefined;
  #polling: ReturnType<typeof setInterval> | undefined;

  constructor(private readonly options: ChannelOptions) {
    this.#connection = new PushConnection({ ...options, onState: () => this.#changed() });
  }

  get state(): ConnectionState {
    return this.#connection.state;
  }

  /** Watch; the answer ends it. */
  join(): () => void {
    this.#members += 1;
    clearTimeout(this.#linger);
    this.#connection.start();
    this.#keepAsking();
    return () => {
      this.#members -= 1;
      if (this.#members > 0) return;
      this.#linger = setTimeout(() => this.#connection.stop(), LINGER_MS);
      this.#keepAsking();
    };
  }

  retryNow() {
    this.#connection.retryNow();
  }

  /** Whoever was logged in is not any more. */
  forget() {
    this.#connection.forget();
    if (this.#members > 0) this.#connection.start();
  }

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  #changed() {
    this.#keepAsking();
    for (const listener of this.#listeners) listener();
  }

  #keepAsking() {
    const isNeeded = this.#members > 0 && this.state !== "live";
    if (isNeeded) this.#polling ??= setInterval(this.options.onPoll, POLL_MS);
    else {
      clearInterval(this.#polling);
      this.#polling = undefined;
    }
  }
}
