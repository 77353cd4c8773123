import { describe, expect, it } from "vitest";
import { engineFor, obstacle } from "#/swap/readiness";
import type { SwapEngine } from "#/swap/types";

function engine(fields: Partial<SwapEngine>): SwapEngine {
  return {
    engine: "landmark",
    readiness: "ready",
    kinds: ["image", "video", "live"],
    many_faces: true,
    needs_weights: false,
    is_external: false,
    licence: "Apache-2.0",
    commercial: true,
    providers: [],
    version: null,
    provider: null,
    findings: [],
    ...fields,
  };
}

const landmark = engine({});
const missing = engine({ engine: "inswapper", readiness: "model_missing" });
const files = engine({ engine: "facefusion", kinds: ["image", "video"], readiness: "degraded" });

describe("choice of an engine", () => {
  it("keeps the chosen one while it fits", () => {
    expect(engineFor([missing, landmark, files], "video", "facefusion")).toBe("facefusion");
    expect(engineFor([missing, landmark, files], "live", "facefusion")).toBe("landmark");
  });

  it("never falls back to one that is not ready", () => {
    expect(engineFor([missing], "image", "inswapper")).toBeNull();
    expect(engineFor([], null, null)).toBeNull();
  });

  it("says what stands against one", () => {
    expect(obstacle(missing, "image")).toBe("not_ready");
    expect(obstacle(files, "live")).toBe("other_kind");
    expect(obstacle(files, "image")).toBeNull();
    expect(obstacle(files, null)).toBeNull();
  });
});
