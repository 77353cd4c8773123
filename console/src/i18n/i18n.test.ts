import { describe, expect, it } from "vitest";
import { formatBytes, formatDuration, formatSeconds } from "#/i18n/format";
import { languageOf } from "#/i18n/language";
import { resources } from "#/i18n/resources";

function texts(node: object, path = ""): [string, string][] {
  return Object.entries(node).flatMap(([key, value]): [string, string][] =>
    typeof value === "string" ? [[`${path}${key}`, value]] : texts(value as object, `${path}${key}.`),
  );
}

// Chinese has no plural: `_other` is its only form.
const keyOf = (key: string) => key.replace(/_(one|other)$/, "");
const placeholders = (text: string) => [...text.matchAll(/{{(\w+)}}/g)].map((match) => match[1]).sort();

describe("texts", () => {
  const en = texts(resources.en.translation);
  const zh = texts(resources.zh.translation);

  it("has the same keys in both languages", () => {
    expect([...new Set(zh.map(([key]) => keyOf(key)))].sort()).toEqual(
      [...new Set(en.map(([key]) => keyOf(key)))].sort(),
    );
  });

  it("fills the same values into both languages", () => {
    const chinese = new Map(zh);
    for (const [key, text] of en.filter(([name]) => !name.endsWith("_one"))) {
      expect([key, placeholders(chinese.get(key) ?? "")]).toEqual([key, placeholders(text)]);
    }
  });

  it("leaves no text empty", () => {
    expect([...en, ...zh].filter(([, text]) => text.trim() === "")).toEqual([]);
  });

  it("gives every English plural both of its forms", () => {
    const keys = new Set(en.map(([key]) => key));
    const halves = [...keys].filter((key) => /_(one|other)$/.test(key) && !keys.has(`${keyOf(key)}_other`));
    expect(halves).toEqual([]);
  });
});

describe("sources", () => {
  const sources = import.meta.glob<string>(["../**/*.{ts,tsx}", "!../**/texts.ts", "!../**/*.test.ts"], {
    query: "?raw",
    import: "default",
    eager: true,
  });
  const named = Object.values(sources).flatMap((source) =>
    [...source.matchAll(/["`]([a-z]+\.[\w.${}?[\] ]+)["`]/gi)].map((match) => match[1] ?? ""),
  );
  // A key may be put together: `overview.roles.${role}` names all of them.
  const patterns = named.map(
    (key) =>
      new RegExp(
        `^${key
          .split(/\$\{[^}]*\}/)
          .map((part) => part.replaceAll(".", "\\."))
          .join("\\w+")}$`,
      ),
  );

  it("use every text", () => {
    const keys = [...new Set(texts(resources.en.translation).map(([key]) => keyOf(key)))];
    expect(keys.filter((key) => !patterns.some((pattern) => pattern.test(key)))).toEqual([]);
  });
});

describe("language", () => {
  it("takes the first of the browser's languages that it speaks", () => {
    expect(languageOf(["zh-CN", "en"])).toBe("zh");
    expect(languageOf(["zh-Hant-TW"])).toBe("zh");
    expect(languageOf(["de-DE", "zh"])).toBe("zh");
    expect(languageOf(["en-GB", "zh"])).toBe("en");
    expect(languageOf(["fr"])).toBe("en");
    expect(languageOf([])).toBe("en");
  });
});

describe("figures", () => {
  it("writes sizes in the unit that fits", () => {
    expect(formatBytes(0, "en")).toBe("0 byte");
    expect(formatBytes(999, "en")).toBe("999 byte");
    expect(formatBytes(29_458_019, "en")).toBe("29.5 MB");
  });

  it("writes the two largest parts of a duration", () => {
    expect(formatDuration(0.4, "en")).toBe("0 sec");
    expect(formatDuration(61, "en")).toBe("1 min 1 sec");
    expect(formatDuration(90_061, "en")).toBe("1 day 1 hr");
    expect(formatDuration(600, "en")).toBe("10 min");
    expect(formatDuration(3601, "en")).toBe("1 hr");
    expect(formatDuration(60, "en")).toBe("1 min");
  });

  it("writes short times with a digit that counts, and none as nothing", () => {
    expect(formatSeconds(0.02, "en")).toBe("0.1 sec");
    expect(formatSeconds(1.44, "en")).toBe("1.4 sec");
    expect(formatSeconds(59.7, "en")).toBe("1 min");
    expect(formatSeconds(0, "en")).toBe("0 sec");
  });
});
