import type { QueryClient, QueryKey } from "@tanstack/react-query";

/** Makes queries stale a moment later, once for all that was asked for until then: events come in bursts. */
export class Staleness {
  readonly #waiting = new Set<string>();

  constructor(private readonly client: QueryClient) {}

  soon(queryKey: QueryKey, delayMs: number) {
    const name = JSON.stringify([queryKey, delayMs]);
    if (this.#waiting.has(name)) return;
    this.#waiting.add(name);
    setTimeout(() => {
      this.#waiting.delete(name);
      void this.#readAnew(queryKey);
    }, delayMs);
  }

  async #readAnew(queryKey: QueryKey) {
    const firstAnswers = this.client
      .getQueryCache()
      .findAll({ queryKey, fetchStatus: "fetching", predicate: ({ state }) => state.data === undefined })
      .map((query) => query.promise);
    void this.client.invalidateQueries({ queryKey });
    if (firstAnswers.length === 0) return;
    // The very first question is not broken off, and its answer may be older than what made it stale.
    await Promise.allSettled(firstAnswers);
    void this.client.invalidateQueries({ queryKey });
  }
}
