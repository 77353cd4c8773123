/** All texts. Each feature keeps its own, both languages in one file, so that neither is forgotten. */

import { accountTexts } from "#/account/texts";
import { problemTexts } from "#/api/texts";
import { auditTexts } from "#/audit/texts";
import { calibrationTexts } from "#/calibration/texts";
import { capacityTexts } from "#/capacity/texts";
import { compareTexts } from "#/compare/texts";
import { enhanceTexts } from "#/enhance/texts";
import { bulkTexts } from "#/gallery/bulk/texts";
import { enrolTexts } from "#/gallery/enrol/texts";
import { movesTexts } from "#/gallery/moves/texts";
import { personTexts } from "#/gallery/person/texts";
import { galleryTexts } from "#/gallery/texts";
import { healthTexts } from "#/health/texts";
import { imagesTexts } from "#/images/texts";
import { jobsTexts } from "#/jobs/texts";
import { jsonTexts } from "#/json/texts";
import { mediaTexts } from "#/media/texts";
import { overviewTexts } from "#/overview/texts";
import { packsTexts } from "#/packs/texts";
import { photoTexts } from "#/photo/texts";
import { provenanceTexts } from "#/provenance/texts";
import { pushTexts } from "#/push/texts";
import { searchTexts } from "#/search/texts";
import { shellTexts } from "#/shell/texts";
import { streamsTexts } from "#/streams/texts";
import { consentsTexts } from "#/swap/consents/texts";
import { swapEnginesTexts } from "#/swap/engines/texts";
import { liveSwapTexts } from "#/swap/live/texts";
import { swapTexts } from "#/swap/texts";
import { unknownsTexts } from "#/unknowns/texts";

const en = {
  account: accountTexts.en,
  audit: auditTexts.en,
  problem: problemTexts.en,
  calibration: calibrationTexts.en,
  capacity: capacityTexts.en,
  consents: consentsTexts.en,
  compare: compareTexts.en,
  bulk: bulkTexts.en,
  enhance: enhanceTexts.en,
  enrol: enrolTexts.en,
  health: healthTexts.en,
  moves: movesTexts.en,
  person: personTexts.en,
  gallery: galleryTexts.en,
  images: imagesTexts.en,
  jobs: jobsTexts.en,
  liveSwap: liveSwapTexts.en,
  media: mediaTexts.en,
  json: jsonTexts.en,
  overview: overviewTexts.en,
  packs: packsTexts.en,
  photo: photoTexts.en,
  provenance: provenanceTexts.en,
  push: pushTexts.en,
  search: searchTexts.en,
  shell: shellTexts.en,
  streams: streamsTexts.en,
  swap: swapTexts.en,
  swapEngines: swapEnginesTexts.en,
  unknowns: unknownsTexts.en,
};

const zh = {
  account: accountTexts.zh,
  audit: auditTexts.zh,
  problem: problemTexts.zh,
  calibration: calibrationTexts.zh,
  capacity: capacityTexts.zh,
  consents: consentsTexts.zh,
  compare: compareTexts.zh,
  bulk: bulkTexts.zh,
  enhance: enhanceTexts.zh,
  enrol: enrolTexts.zh,
  health: healthTexts.zh,
  moves: movesTexts.zh,
  person: personTexts.zh,
  gallery: galleryTexts.zh,
  images: imagesTexts.zh,
  jobs: jobsTexts.zh,
  liveSwap: liveSwapTexts.zh,
  media: mediaTexts.zh,
  json: jsonTexts.zh,
  overview: overviewTexts.zh,
  packs: packsTexts.zh,
  photo: photoTexts.zh,
  provenance: provenanceTexts.zh,
  push: pushTexts.zh,
  search: searchTexts.zh,
  shell: shellTexts.zh,
  streams: streamsTexts.zh,
  swap: swapTexts.zh,
  swapEngines: swapEnginesTexts.zh,
  unknowns: unknownsTexts.zh,
};

export const resources = { en: { translation: en }, zh: { translation: zh } };

declare module "i18next" {
  interface CustomTypeOptions {
    defaultNS: "translation";
    resources: { translation: typeof en };
  }
}
