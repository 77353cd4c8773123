import i18next from "i18next";
import { initReactI18next } from "react-i18next";
import { type Language, languages } from "#/i18n/language";
import { rememberedLanguage, rememberLanguage } from "#/i18n/remembered";
import { resources } from "#/i18n/resources";

const documentLanguage: Record<Language, string> = { en: "en", zh: "zh-CN" };

export function startTranslation() {
  i18next.on("languageChanged", (language) => {
    document.documentElement.lang = documentLanguage[language as Language] ?? language;
  });
  void i18next.use(initReactI18next).init({
    resources,
    lng: rememberedLanguage(),
    fallbackLng: "en",
    supportedLngs: [...languages],
    interpolation: { escapeValue: false },
    initAsync: false,
  });
}

export function changeLanguage(language: Language) {
  rememberLanguage(language);
  void i18next.changeLanguage(language);
}
