import { describe, expect, it } from "vitest";
import { isOwn, labelStates, type ProvenanceReport, recordOf, sourceOf } from "#/provenance/report";

const IPTC = "http://cv.iptc.org/newscodes/digitalsourcetype/";
const SWAP = `${IPTC}compositeWithTrainedAlgorithmicMedia`;
const RECORD = {
  kind: "swap",
  job_id: "j",
  owner_id: "u",
  engine: "landmark",
  consent_id: "c",
  labels: ["visible", "xmp", "aigc", "c2pa", "watermark"],
  sha256: "ab",
  created_at: "2026-11-29T12:00:00Z",
};
const MANIFEST = {
  valid: true,
  trusted: true,
  issuer: "Lianpu",
  generator: "Lianpu 0.1",
  digital_source_type: SWAP,
  problems: [],
};

function report(fields: Partial<ProvenanceReport>): ProvenanceReport {
  return {
    media: "photo",
    conclusion: "unlabelled",
    survived: [],
    visible: { found: false, score: 0.1 },
    metadata: { digital_source_type: null, aigc: null },
    manifest: null,
    watermark: null,
    marks: [],
    request_id: "r",
    ...fields,
  };
}

describe("labels of a verified file", () => {
  it("are all absent where nothing is known", () => {
    expect(new Set(labelStates(report({})).map(([, state]) => state))).toEqual(new Set(["absent"]));
  });

  it("are lost where the records know them and the file has them no more", () => {
    const saved = report({
      conclusion: "altered",
      survived: ["visible", "watermark"],
      marks: [{ mark: "3f2a9c0d5b7e1846", is_own: true, output: RECORD }],
    });
    expect(Object.fromEntries(labelStates(saved))).toEqual({
      visible: "there",
      xmp: "lost",
      aigc: "lost",
      c2pa: "lost",
      watermark: "there",
    });
    expect(isOwn(saved)).toBe(true);
    expect(recordOf(saved)?.engine).toBe("landmark");
  });

  it("are not called lost to whoever may not read the records", () => {
    const saved = report({
      survived: ["watermark"],
      marks: [{ mark: "3f2a9c0d5b7e1846", is_own: true, output: null }],
    });
    expect(Object.fromEntries(labelStates(saved)).xmp).toBe("absent");
    expect(isOwn(saved)).toBe(true);
    expect(recordOf(saved)).toBeNull();
  });

  it("tell a signature that does not fit from none", () => {
    const tampered = report({ manifest: { ...MANIFEST, valid: false, trusted: false } });
    expect(Object.fromEntries(labelStates(tampered)).c2pa).toBe("broken");
  });
});

describe("what was done", () => {
  it("is the signed word before the unsigned one", () => {
    const enhanced = { digital_source_type: `${IPTC}algorithmicallyEnhanced`, aigc: null };
    expect(sourceOf(report({ metadata: enhanced }))).toBe("enhancement");
    expect(sourceOf(report({ metadata: enhanced, manifest: MANIFEST }))).toBe("swap");
  });

  it("is not guessed", () => {
    expect(sourceOf(report({}))).toBeNull();
    expect(sourceOf(report({ metadata: { digital_source_type: `${IPTC}digitalArt`, aigc: null } }))).toBe(
      "other",
    );
  });
});
