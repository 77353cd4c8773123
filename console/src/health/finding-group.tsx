import { Button, Group, Stack, Text, Title } from "@mantine/core";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { FindingCard } from "#/health/finding-card";
import type { Group as FindingsOfAKind } from "#/health/findings";
import classes from "#/health/health.module.css";
import { useFormat } from "#/i18n/format";

const SHOWN_AT_FIRST = 12;
/** The server lists no more of a kind. */
const LISTED_AT_MOST = 200;

interface FindingGroupProps {
  group: FindingsOfAKind;
  /** All that were found, listed or not. */
  total: number;
  pack: string;
  /** Findings that nobody called fine. */
  standing: Set<string>;
}

export function FindingGroup({ group: { kind, findings }, total, pack, standing }: FindingGroupProps) {
  const { t } = useTranslation();
  const format = useFormat();
  const [all, setAll] = useState(false);
  const shown = all ? findings : findings.slice(0, SHOWN_AT_FIRST);
  return (
    <Stack component="section" gap="sm" aria-label={t(`health.kinds.${kind}`)} data-testid="finding-group">
      <Group gap="xs">
        <Title order={2} size="h4">
          {t(`health.kinds.${kind}`)}
        </Title>
        <Text c="dimmed" className="tabular">
          {format.number(findings.length)}
        </Text>
      </Group>
      {total > LISTED_AT_MOST && (
        <Text size="sm" c="dimmed">
          {t("health.more", { total: format.number(total), shown: LISTED_AT_MOST })}
        </Text>
      )}
      <ul className={classes.findings}>
        {shown.map((finding) => (
          <FindingCard
            key={finding.finding_id}
            finding={finding}
            pack={pack}
            isFine={!standing.has(finding.finding_id)}
          />
        ))}
      </ul>
      {shown.length < findings.length && (
        <Button variant="default" style={{ alignSelf: "center" }} onClick={() => setAll(true)}>
          {t("health.showAll", { total: format.number(findings.length) })}
        </Button>
      )}
    </Stack>
  );
}
