import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type ConnectionState, PushConnection } from "#/push/connection";
import { FakeSocket } from "#/push/fake-socket";
import type { PushedEvent } from "#/push/messages";

const TOKEN_EXPIRED = 4401;
const NOT_ALLOWED = 4403;

let events: PushedEvent[];
let gaps: number;
let states: ConnectionState[];
let token: string | null;
let asked: (string | null)[];
let connection: PushConnection;

const settled = () => vi.advanceTimersByTimeAsync(0);
const jobEvent = (eventId?: number, jobId = "a") => ({
  type: "job",
  ...(eventId !== undefined && { event_id: eventId }),
  job: { job_id: jobId, status: "processing" },
});

/** Up to the first `ready`. */
async function live(lastEventId = 7) {
  connection.start();
  await settled();
  FakeSocket.last.accept();
  FakeSocket.last.say({ type: "ready", last_event_id: lastEventId });
}

beforeEach(() => {
  vi.useFakeTimers();
  FakeSocket.opened = [];
  events = [];
  gaps = 0;
  states = [];
  token = "token-1";
  asked = [];
  connection = new PushConnection({
    open: () => new FakeSocket() as unknown as WebSocket,
    token: async (refused) => {
      asked.push(refused);
      return token;
    },
    onEvent: (event) => events.push(event),
    onGap: () => {
      gaps += 1;
    },
    onState: (state) => states.push(state),
    random: () => 1,
  });
});

afterEach(() => {
  connection.stop();
  vi.useRealTimers();
});

describe("the first connection", () => {
  it("names itself in its first message, never in the address, and is live when the server says so", async () => {
    connection.start();
    await settled();
    expect(FakeSocket.last.sent).toEqual([]);
    FakeSocket.last.accept();
    expect(FakeSocket.last.sent).toEqual([{ type: "auth", token: "token-1" }]);
    expect(connection.state).toBe("connecting");
    FakeSocket.last.say({ type: "ready", last_event_id: 7 });
    expect(connection.state).toBe("live");
  });

  it("has everything read anew once, since what changed before it was not pushed", async () => {
    await live();
    expect(gaps).toBe(1);
  });

  it("opens nothing without a credential, and asks for one again later", async () => {
    token = null;
    connection.start();
    await settled();
    expect(FakeSocket.opened).toEqual([]);
    expect(connection.state).toBe("waiting");
    token = "token-2";
    await vi.advanceTimersByTimeAsync(500);
    FakeSocket.last.accept();
    expect(FakeSocket.last.sent[0]?.token).toBe("token-2");
  });

  it("is given up when the server does not answer", async () => {
    connection.start();
    await settled();
    FakeSocket.last.accept();
    await vi.advanceTimersByTimeAsync(15_000);
    expect(FakeSocket.opened[0]?.isClosed).toBe(true);
    expect(connection.state).toBe("waiting");
  });
});

describe("a broken connection", () => {
  it("comes back and resumes after the last event that it got, without a gap", async () => {
    await live(7);
    FakeSocket.last.say(jobEvent(8));
    FakeSocket.last.say(jobEvent(9));
    FakeSocket.last.breakOff();
    await vi.advanceTimersByTimeAsync(500);
    FakeSocket.last.accept();
    expect(FakeSocket.last.sent).toEqual([{ type: "auth", token: "token-1", last_event_id: 9 }]);
    FakeSocket.last.say({ type: "ready", last_event_id: 12 });
    FakeSocket.last.say(jobEvent(10));
    expect(events.map((event) => event.event_id)).toEqual([8, 9, 10]);
    expect(gaps).toBe(1);
  });

  it("resumes where the server stood at the beginning when no event has come since", async () => {
    await live(7);
    FakeSocket.last.breakOff();
    await vi.advanceTimersByTimeAsync(500);
    FakeSocket.last.accept();
    expect(FakeSocket.last.sent[0]?.last_event_id).toBe(7);
  });

  it("gives no event twice, and loses none that comes late", async () => {
    await live();
    for (const id of [8, 10, 9, 10, 8]) FakeSocket.last.say(jobEvent(id));
    FakeSocket.last.breakOff();
    await vi.advanceTimersByTimeAsync(500);
    FakeSocket.last.accept();
    FakeSocket.last.say({ type: "ready", last_event_id: 11 });
    for (const id of [9, 10, 11]) FakeSocket.last.say(jobEvent(id));
    expect(events.map((event) => event.event_id)).toEqual([8, 10, 9, 11]);
  });

  it("gives every progress on: it has no number", async () => {
    await live();
    for (let count = 0; count < 3; count += 1) FakeSocket.last.say(jobEvent());
    expect(events).toHaveLength(3);
  });

  it("has everything read anew when the server does not keep what was missed", async () => {
    await live(7);
    FakeSocket.last.say({ type: "reset", last_event_id: 900 });
    expect(gaps).toBe(2);
    FakeSocket.last.breakOff();
    await vi.advanceTimersByTimeAsync(500);
    FakeSocket.last.accept();
    expect(FakeSocket.last.sent[0]?.last_event_id).toBe(900);
  });

  it("backs off twice as long each time, up to half a minute", async () => {
    connection.start();
    await settled();
    for (const delay of [500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]) {
      const before = FakeSocket.opened.length;
      FakeSocket.last.breakOff();
      await vi.advanceTimersByTimeAsync(delay - 1);
      expect(FakeSocket.opened).toHaveLength(before);
      await vi.advanceTimersByTimeAsync(1);
      expect(FakeSocket.opened).toHaveLength(before + 1);
    }
  });

  it("begins with short delays again only after it held for a while", async () => {
    await live();
    FakeSocket.last.breakOff();
    await vi.advanceTimersByTimeAsync(500);
    FakeSocket.last.accept();
    FakeSocket.last.say({ type: "ready", last_event_id: 7 });
    FakeSocket.last.breakOff(4008);
    await vi.advanceTimersByTimeAsync(999);
    expect(FakeSocket.opened).toHaveLength(2);
    await vi.advanceTimersByTimeAsync(1);
    FakeSocket.last.accept();
    FakeSocket.last.say({ type: "ready", last_event_id: 7 });
    await vi.advanceTimersByTimeAsync(10_000);
    FakeSocket.last.breakOff();
    await vi.advanceTimersByTimeAsync(500);
    expect(FakeSocket.opened).toHaveLength(4);
  });

  it("spreads the delays, so that not all tabs come back at once", async () => {
    const waits: number[] = [];
    for (const chance of [0, 0.5, 1]) {
      FakeSocket.opened = [];
      const one = new PushConnection({
        open: () => new FakeSocket() as unknown as WebSocket,
        token: async () => "token",
        onEvent: () => undefined,
        onGap: () => undefined,
        onState: () => undefined,
        random: () => chance,
      });
      one.start();
      await settled();
      FakeSocket.last.breakOff();
      const from = Date.now();
      while (FakeSocket.opened.length < 2) await vi.advanceTimersByTimeAsync(1);
      waits.push(Date.now() - from);
      one.stop();
    }
    expect(waits).toEqual([250, 375, 500]);
  });

  it("is noticed by the silence when nobody says so", async () => {
    await live();
    FakeSocket.last.say({ type: "heartbeat" });
    await vi.advanceTimersByTimeAsync(74_999);
    expect(connection.state).toBe("live");
    FakeSocket.last.say({ type: "heartbeat" });
    await vi.advanceTimersByTimeAsync(74_999);
    expect(connection.state).toBe("live");
    await vi.advanceTimersByTimeAsync(1);
    expect(connection.state).toBe("waiting");
    expect(FakeSocket.opened[0]?.isClosed).toBe(true);
  });

  it("comes back at once when the network does", async () => {
    connection.start();
    await settled();
    FakeSocket.last.breakOff();
    connection.retryNow();
    await settled();
    expect(FakeSocket.opened).toHaveLength(2);
    await vi.advanceTimersByTimeAsync(5000);
    expect(FakeSocket.opened).toHaveLength(2);
  });
});

describe("a refused credential", () => {
  it("is replaced at once, and the place in the events is kept", async () => {
    await live(7);
    token = "token-2";
    FakeSocket.last.breakOff(TOKEN_EXPIRED);
    await settled();
    FakeSocket.last.accept();
    expect(asked).toEqual([null, "token-1"]);
    expect(FakeSocket.last.sent).toEqual([{ type: "auth", token: "token-2", last_event_id: 7 }]);
  });

  it("is not sent again", async () => {
    await live();
    FakeSocket.last.breakOff(TOKEN_EXPIRED);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(FakeSocket.opened).toHaveLength(1);
    token = "token-2";
    while (FakeSocket.opened.length < 2) await vi.advanceTimersByTimeAsync(1000);
    FakeSocket.last.accept();
    expect(FakeSocket.last.sent[0]?.token).toBe("token-2");
  });

  it("does not become a race when every credential is refused", async () => {
    connection.start();
    await settled();
    for (const next of ["token-2", "token-3"]) {
      token = next;
      FakeSocket.last.breakOff(TOKEN_EXPIRED);
      await settled();
    }
    expect(FakeSocket.opened).toHaveLength(2);
    expect(connection.state).toBe("waiting");
  });

  it("that may not see this is not tried again", async () => {
    await live();
    FakeSocket.last.breakOff(NOT_ALLOWED);
    expect(connection.state).toBe("refused");
    await vi.advanceTimersByTimeAsync(600_000);
    expect(FakeSocket.opened).toHaveLength(1);
  });
});

describe("what is no longer wanted", () => {
  it("is closed, and not come back to", async () => {
    await live();
    connection.stop();
    expect(FakeSocket.last.isClosed).toBe(true);
    FakeSocket.last.breakOff();
    await vi.advanceTimersByTimeAsync(600_000);
    expect(FakeSocket.opened).toHaveLength(1);
    expect(states).toEqual(["connecting", "live", "closed"]);
  });

  it("is not opened when the credential arrives too late", async () => {
    connection.start();
    connection.stop();
    await settled();
    expect(FakeSocket.opened).toEqual([]);
  });

  it("is not listened to any more", async () => {
    await live();
    const [first] = FakeSocket.opened;
    first?.breakOff();
    await vi.advanceTimersByTimeAsync(500);
    first?.say(jobEvent(8));
    expect(events).toEqual([]);
  });

  it("is told apart from what this console does not know", async () => {
    await live();
    for (const odd of [{ type: "weather" }, "no JSON", "null", "[]", '"job"']) FakeSocket.last.say(odd);
    expect(events).toEqual([]);
    expect(connection.state).toBe("live");
  });

  it("is forgotten with its user: the next one begins anew", async () => {
    await live(7);
    FakeSocket.last.say(jobEvent(8));
    connection.forget();
    expect(FakeSocket.last.isClosed).toBe(true);
    token = "token-of-another-user";
    connection.start();
    await settled();
    FakeSocket.last.accept();
    expect(FakeSocket.last.sent).toEqual([{ type: "auth", token: "token-of-another-user" }]);
    FakeSocket.last.say({ type: "ready", last_event_id: 8 });
    expect(gaps).toBe(2);
  });

  it("resumes where it was when it is wanted again", async () => {
    await live(7);
    FakeSocket.last.say(jobEvent(8));
    connection.stop();
    connection.start();
    await settled();
    FakeSocket.last.accept();
    expect(FakeSocket.last.sent[0]?.last_event_id).toBe(8);
  });
});
