import { Badge } from "@mantine/core";
import { useTranslation } from "react-i18next";
import type { AuditEvent } from "#/api/types";

const tones: Record<AuditEvent["outcome"], string> = { ok: "jade", refused: "ochre", failed: "cinnabar" };

export function OutcomeBadge({ outcome }: { outcome: AuditEvent["outcome"] }) {
  const { t } = useTranslation();
  return (
    <Badge variant="light" color={tones[outcome]} miw="max-content">
      {t(`audit.outcomes.${outcome}`)}
    </Badge>
  );
}
