export const languages = ["zh", "en"] as const;
export type Language = (typeof languages)[number];

export const languageNames: Record<Language, string> = { zh: "中文", en: "English" };

export function isLanguage(value: unknown): value is Language {
  return languages.some((language) => language === value);
}

/** The first of the browser's languages that the console speaks. */
export function languageOf(preferred: readonly string[]): Language {
  for (const tag of preferred) {
    const primary = tag.toLowerCase().split("-")[0];
    if (isLanguage(primary)) return primary;
  }
  return "en";
}
