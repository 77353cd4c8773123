import { Badge } from "@mantine/core";
import { useTranslation } from "react-i18next";
import type { Consent } from "#/swap/types";

const COLOURS: Record<Consent["status"], string> = {
  valid: "jade",
  expired: "gray",
  revoked: "cinnabar",
  person_gone: "gray",
};

export function ConsentStatus({ consent }: { consent: Consent }) {
  const { t } = useTranslation();
  return (
    <Badge
      variant="light"
      color={COLOURS[consent.status]}
      miw="max-content"
      data-testid="consent-status"
      data-status={consent.status}
    >
      {t(`consents.status.${consent.status}`)}
    </Badge>
  );
}
