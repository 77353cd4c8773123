import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { PushChannel } from "#/push/channel";
import { FakeSocket } from "#/push/fake-socket";

let polls: number;
let channel: PushChannel;
const settled = () => vi.advanceTimersByTimeAsync(0);

beforeEach(() => {
  vi.useFakeTimers();
  FakeSocket.opened = [];
  polls = 0;
  channel = new PushChannel({
    open: () => new FakeSocket() as unknown as WebSocket,
    token: async () => "token",
    onEvent: () => undefined,
    onGap: () => undefined,
    onPoll: () => {
      polls += 1;
    },
  });
});

afterEach(() => vi.useRealTimers());

function becomeLive() {
  FakeSocket.last.accept();
  FakeSocket.last.say({ type: "ready", last_event_id: 1 });
}

describe("a channel", () => {
  it("is one connection, however many watch", async () => {
    const leave = [channel.join(), channel.join(), channel.join()];
    await settled();
    becomeLive();
    expect(FakeSocket.opened).toHaveLength(1);
    for (const one of leave) one();
    expect(FakeSocket.last.isClosed).toBe(false);
    await vi.advanceTimersByTimeAsync(3000);
    expect(FakeSocket.last.isClosed).toBe(true);
    expect(channel.state).toBe("closed");
  });

  it("outlives the moment between two pages", async () => {
    const leave = channel.join();
    await settled();
    becomeLive();
    leave();
    await vi.advanceTimersByTimeAsync(2999);
    channel.join();
    await vi.advanceTimersByTimeAsync(10_000);
    expect(FakeSocket.opened).toHaveLength(1);
    expect(channel.state).toBe("live");
  });

  it("asks the server again and again only while nothing is pushed and somebody watches", async () => {
    const leave = channel.join();
    await vi.advanceTimersByTimeAsync(6000);
    expect(polls).toBe(3);
    becomeLive();
    await vi.advanceTimersByTimeAsync(20_000);
    expect(polls).toBe(3);
    FakeSocket.last.breakOff();
    await vi.advanceTimersByTimeAsync(2000);
    expect(polls).toBe(4);
    leave();
    await vi.advanceTimersByTimeAsync(20_000);
    expect(polls).toBe(4);
  });

  it("goes on asking where pushing is not allowed", async () => {
    channel.join();
    await settled();
    FakeSocket.last.breakOff(4403);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(FakeSocket.opened).toHaveLength(1);
    expect(polls).toBe(30);
  });

  it("tells whoever listens when it becomes live and when it does not stay so", async () => {
    const states: string[] = [];
    channel.subscribe(() => states.push(channel.state));
    channel.join();
    await settled();
    becomeLive();
    FakeSocket.last.breakOff();
    expect(states).toEqual(["connecting", "live", "waiting"]);
  });
});
