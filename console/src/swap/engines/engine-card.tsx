import { Badge, Group, Text, Title } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { ScopeBadges } from "#/swap/consents/scope-badges";
import classes from "#/swap/engines/engines.module.css";
import { Findings } from "#/swap/findings";
import { ReadinessBadge } from "#/swap/readiness-badge";
import type { SwapEngine } from "#/swap/types";

export function EngineCard({ engine }: { engine: SwapEngine }) {
  const { t } = useTranslation();
  const facts = [
    t(engine.is_external ? "swapEngines.external" : "swapEngines.builtIn"),
    engine.version && t("swapEngines.version", { version: engine.version }),
    engine.provider && t("swapEngines.runsOn", { provider: engine.provider }),
    t(engine.many_faces ? "swapEngines.manyFaces" : "swapEngines.oneFace"),
    t(engine.needs_weights ? "swapEngines.needsWeights" : "swapEngines.noWeights"),
  ].filter(Boolean);
  return (
    <article className={`surface ${classes.card}`} data-testid="engine" data-readiness={engine.readiness}>
      <Group justify="space-between" gap="xs">
        <Group gap="xs">
          <Title order={2} size="h4">
            {engine.engine}
          </Title>
          <ReadinessBadge engine={engine} />
        </Group>
        <ScopeBadges scopes={engine.kinds} />
      </Group>
      <Text size="sm" c="dimmed">
        {facts.join(" · ")}
      </Text>
      <Group gap="xs">
        <Text size="sm">{t("swapEngines.licence", { licence: engine.licence })}</Text>
        <Badge size="sm" variant="light" color={engine.commercial ? "jade" : "ochre"} miw="max-content">
          {t(engine.commercial ? "swap.commercial" : "swap.nonCommercial")}
        </Badge>
      </Group>
      {engine.providers.length > 0 && (
        <Text size="sm" c="dimmed">
          {t("swapEngines.providers", { providers: engine.providers.join(", ") })}
        </Text>
      )}
      {engine.findings.length > 0 && <Findings findings={engine.findings} />}
    </article>
  );
}
