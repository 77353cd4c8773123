import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { sha256Of } from "#/swap/consents/digest";

describe("SHA-256 of evidence", () => {
  it("is the one of FIPS 180-4", async () => {
    expect(await sha256Of(new Blob(["abc"]))).toBe(
      "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    );
    expect(await sha256Of(new Blob([]))).toBe(
      "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    );
  });

  it("reads a file that comes in many pieces, and says how far it is", async () => {
    const bytes = new Uint8Array(3_000_001).map((_, index) => (index * 31) % 251);
    const shares: number[] = [];
    const digest = await sha256Of(new Blob([bytes]), (share) => shares.push(share));
    expect(digest).toBe(createHash("sha256").update(bytes).digest("hex"));
    expect(shares.length).toBeGreaterThan(1);
    expect(shares.at(-1)).toBe(1);
    expect([...shares].sort((one, other) => one - other)).toEqual(shares);
  });

  it("stops when it is told to", async () => {
    const control = new AbortController();
    control.abort();
    await expect(sha256Of(new Blob(["abc"]), undefined, control.signal)).rejects.toThrow();
  });
});
