import { Anchor, Badge, Group, Select, Skeleton, Stack, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { ProblemAlert } from "#/shell/problem";
import { Findings } from "#/swap/findings";
import { enginesQuery } from "#/swap/queries";
import { engineFor, obstacle } from "#/swap/readiness";
import { ReadinessBadge } from "#/swap/readiness-badge";
import classes from "#/swap/swap.module.css";
import type { SwapEngine, SwapKind } from "#/swap/types";

interface EngineChoiceProps {
  kind: SwapKind | null;
  /** What was asked for; another one takes its place where it does not fit. */
  wanted: string | null;
  onChange: (engine: string) => void;
}

/** The engine that will do it: null until the engines are known, or where none fits. */
export function useEngine(kind: SwapKind | null, wanted: string | null): SwapEngine | null {
  const engines = useQuery(enginesQuery);
  const name = engineFor(engines.data ?? [], kind, wanted);
  return engines.data?.find((one) => one.engine === name) ?? null;
}

/** Which engine: what it may be used for, whether it is ready, and what to do about those that are not. */
export function EngineChoice({ kind, wanted, onChange }: EngineChoiceProps) {
  const { t } = useTranslation();
  const engines = useQuery(enginesQuery);
  const engine = useEngine(kind, wanted);
  if (engines.isPending) return <Skeleton height={60} />;
  if (!engines.data) return <ProblemAlert error={engines.error} onRetry={() => void engines.refetch()} />;
  const byName = new Map(engines.data.map((one) => [one.engine, one]));
  const amiss = engine?.findings.filter((finding) => !finding.is_ok) ?? [];
  const unready = engines.data.filter((one) => obstacle(one, null) === "not_ready");
  return (
    <Stack gap="sm">
      <Select
        aria-label={t("swap.engine.label")}
        placeholder={t("swap.engine.none")}
        data={engines.data.map((one) => ({
          value: one.engine,
          label: one.engine,
          disabled: obstacle(one, kind) !== null,
        }))}
        value={engine?.engine ?? null}
        onChange={(name) => name && onChange(name)}
        allowDeselect={false}
        renderOption={({ option }) => {
          const one = byName.get(option.value);
          return one ? <Choice engine={one} kind={kind} /> : option.label;
        }}
      />
      {engine && (
        <Group gap={6}>
          <ReadinessBadge engine={engine} />
          <Badge variant="light" color={engine.commercial ? "jade" : "ochre"} miw="max-content">
            {t(engine.commercial ? "swap.commercial" : "swap.nonCommercial")}
          </Badge>
          <Text size="sm" c="dimmed">
            {engine.licence}
          </Text>
        </Group>
      )}
      {amiss.length > 0 && <Findings findings={amiss} />}
      {unready.length > 0 && (
        <Text size="sm" c="dimmed">
          {t("swap.engine.unready", { count: unready.length })}{" "}
          <Anchor component={Link} to="/swap-engines" inherit underline="always">
            {t("swap.engine.advice")}
          </Anchor>
        </Text>
      )}
    </Stack>
  );
}

function Choice({ engine, kind }: { engine: SwapEngine; kind: SwapKind | null }) {
  const { t } = useTranslation();
  return (
    <Group justify="space-between" gap="sm" wrap="nowrap" flex={1} className={classes.option}>
      <Text size="sm" fw={600} className="truncate">
        {engine.engine}
      </Text>
      {obstacle(engine, kind) === "other_kind" && kind ? (
        <Text size="xs">{t("swap.engine.otherKind", { kind: t(`swap.kinds.${kind}`) })}</Text>
      ) : (
        <ReadinessBadge engine={engine} />
      )}
    </Group>
  );
}
