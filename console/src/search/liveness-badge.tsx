import { Badge, Tooltip } from "@mantine/core";
import { useTranslation } from "react-i18next";
import type { Liveness } from "#/api/types";
import { useFormat } from "#/i18n/format";

/** Whether a face is live, how sure that is, and who says so. */
export function LivenessBadge({ liveness }: { liveness: Liveness }) {
  const { t } = useTranslation();
  const format = useFormat();
  return (
    <Tooltip
      label={t("search.liveness.by", {
        pack: `${liveness.pack}@${liveness.pack_version}`,
        threshold: format.figure(liveness.threshold, 2),
      })}
    >
      <Badge
        variant="light"
        color={liveness.is_live ? "jade" : "cinnabar"}
        style={{ alignSelf: "flex-start" }}
        data-testid="liveness"
      >
        {t(liveness.is_live ? "search.liveness.live" : "search.liveness.notLive", {
          score: format.figure(liveness.score, 2),
        })}
      </Badge>
    </Tooltip>
  );
}
