import { Badge } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { isUsable } from "#/swap/readiness";
import type { SwapEngine } from "#/swap/types";

/** Whether an engine can be used; where not, in a word why. */
export function ReadinessBadge({ engine }: { engine: SwapEngine }) {
  const { t } = useTranslation();
  const color = engine.readiness === "ready" ? "jade" : isUsable(engine) ? "ochre" : "gray";
  return (
    <Badge variant="light" color={color} miw="max-content" data-testid="readiness">
      {t(`swap.readiness.${engine.readiness}`)}
    </Badge>
  );
}
