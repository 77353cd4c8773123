/** All texts. Each feature keeps its own, both languages in one file, so that neither is forgotten. */

import { problemTexts } from "#/api/texts";
import { compareTexts } from "#/compare/texts";
import { enrolTexts } from "#/gallery/enrol/texts";
import { personTexts } from "#/gallery/person/texts";
import { galleryTexts } from "#/gallery/texts";
import { overviewTexts } from "#/overview/texts";
import { photoTexts } from "#/photo/texts";
import { searchTexts } from "#/search/texts";
import { shellTexts } from "#/shell/texts";

const en = {
  problem: problemTexts.en,
  compare: compareTexts.en,
  enrol: enrolTexts.en,
  person: personTexts.en,
  gallery: galleryTexts.en,
  overview: overviewTexts.en,
  photo: photoTexts.en,
  search: searchTexts.en,
  shell: shellTexts.en,
};

const zh = {
  problem: problemTexts.zh,
  compare: compareTexts.zh,
  enrol: enrolTexts.zh,
  person: personTexts.zh,
  gallery: galleryTexts.zh,
  overview: overviewTexts.zh,
  photo: photoTexts.zh,
  search: searchTexts.zh,
  shell: shellTexts.zh,
};

export const resources = { en: { translation: en }, zh: { translation: zh } };

declare module "i18next" {
  interface CustomTypeOptions {
    defaultNS: "translation";
    resources: { translation: typeof en };
  }
}
