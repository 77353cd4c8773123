import { personThumbnail } from "#/photo/addresses";
import { ServerImage } from "#/photo/server-image";
import type { Consent } from "#/swap/types";

/** The face that the consent is about, as long as its person is in the gallery. */
export function SubjectFace({ consent, className }: { consent: Consent; className: string }) {
  return (
    <ServerImage
      src={consent.person_id === null ? null : personThumbnail(consent.person_id)}
      alt={consent.subject_name}
      className={className}
    />
  );
}
