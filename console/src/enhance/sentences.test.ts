import { describe, expect, it } from "vitest";
import { readSentence } from "#/enhance/sentences";
import { enhanceTexts } from "#/enhance/texts";

const placeholders = (text: string) => [...text.matchAll(/{{(\w+)}}/g)].map((match) => match[1]).sort();

describe("sentences of the server", () => {
  it("are known with their figures", () => {
    expect(readSentence("No face was found; the photo was enhanced as a whole.")?.key).toBe("noFace");
    expect(readSentence("The network enlarges 4 times; the rest, to 8 times, is interpolation.")).toEqual({
      key: "interpolated",
      values: { native: "4", scale: "8" },
    });
    const format = readSentence("AVIF is not written; the result is a PNG.");
    expect(format?.values).toEqual({ from: "AVIF", to: "PNG" });
    expect(placeholders(enhanceTexts.zh.sentences.otherFormat)).toEqual(["from", "to"]);
  });

  it("that are new stay as they are", () => {
    expect(readSentence("The face smiles.")).toBeNull();
  });
});
