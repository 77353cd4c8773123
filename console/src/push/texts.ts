export const pushTexts = {
  en: { live: "Live", polled: "Updated every few seconds" },
  zh: { live: "实时", polled: "每隔几秒更新" },
};
