import { isLanguage, type Language, languageOf } from "#/i18n/language";

const STORE = "lianpu.language";

export function rememberedLanguage(): Language {
  const stored = localStorage.getItem(STORE);
  return isLanguage(stored) ? stored : languageOf(navigator.languages);
}

export function rememberLanguage(language: Language) {
  localStorage.setItem(STORE, language);
}
