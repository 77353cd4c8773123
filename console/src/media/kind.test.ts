import { describe, expect, it } from "vitest";
import { endingOf, mediaKind } from "#/media/kind";

describe("kind of a file", () => {
  it("goes by the type that the browser gives", () => {
    expect(mediaKind({ type: "image/png", name: "a.mp4" })).toBe("photo");
    expect(mediaKind({ type: "video/mp4", name: "a.png" })).toBe("video");
  });

  it("goes by the name where the browser knows no type", () => {
    expect(mediaKind({ type: "", name: "Holiday.MKV" })).toBe("video");
    expect(mediaKind({ type: "", name: "张三.heic" })).toBe("photo");
  });

  it("does not guess", () => {
    expect(mediaKind({ type: "application/pdf", name: "consent.pdf" })).toBeNull();
    expect(mediaKind({ type: "", name: "mp4" })).toBeNull();
    expect(mediaKind({ type: "", name: "" })).toBeNull();
  });
});

describe("ending of a name", () => {
  it("fits the media type", () => {
    expect(endingOf("video/mp4")).toBe("mp4");
    expect(endingOf("application/x-unheard-of")).toBe("bin");
  });
});
