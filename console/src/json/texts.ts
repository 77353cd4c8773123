export const jsonTexts = {
  en: {
    copy: "Copy as JSON",
    items_one: "{{count}} entry",
    items_other: "{{count}} entries",
    fields_one: "{{count}} field",
    fields_other: "{{count}} fields",
  },
  zh: {
    copy: "复制 JSON",
    items_one: "{{count}} 项",
    items_other: "{{count}} 项",
    fields_one: "{{count}} 个字段",
    fields_other: "{{count}} 个字段",
  },
};
