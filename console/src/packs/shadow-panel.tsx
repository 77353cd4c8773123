import { Alert, Button, Group, Progress, Stack, Text, Title } from "@mantine/core";
import { useTranslation } from "react-i18next";
import type { Shadow } from "#/api/types";
import { useFormat } from "#/i18n/format";
import { Disagreements } from "#/packs/disagreements";
import { adviceOf, ENOUGH_FACES, judgedFaces, labelOf } from "#/packs/labels";
import classes from "#/packs/packs.module.css";
import { useEndShadow } from "#/packs/queries";
import { toastDone } from "#/shell/problem";

const outcomes = [
  { name: "same_person", color: "jade.6" },
  { name: "both_unknown", color: "jade.3" },
  { name: "only_active_knows", color: "ochre.5" },
  { name: "only_candidate_knows", color: "ochre.3" },
  { name: "different_persons", color: "cinnabar.6" },
  { name: "face_not_found", color: "cinnabar.3" },
  { name: "not_covered", color: "gray.4" },
] as const;

/** What a switch would change, as far as the searches so far tell. */
export function ShadowPanel({ shadow, active }: { shadow: Shadow; active: string }) {
  const { t } = useTranslation();
  const format = useFormat();
  const end = useEndShadow();
  const pack = labelOf({ name: shadow.pack, version: shadow.pack_version });
  const names = { pack, active: shadow.active_pack };
  const total = outcomes.reduce((sum, { name }) => sum + (shadow.counts[name] ?? 0), 0);
  return (
    <Stack
      component="section"
      gap="md"
      className={`surface ${classes.pack}`}
      aria-label={t("packs.shadow.title")}
    >
      <Group justify="space-between" align="flex-start">
        <div>
          <Title order={2} size="h4">
            {t("packs.shadow.title")}
          </Title>
          <Text size="sm" c="dimmed">
            {t("packs.shadow.beside", {
              ...names,
              rate: format.percent(shadow.sample_rate),
              since: format.dateTime(shadow.since),
            })}
          </Text>
        </div>
        <Button
          size="xs"
          variant="default"
          loading={end.isPending}
          onClick={() => end.mutate(undefined, { onSuccess: () => toastDone(t("packs.shadow.ended")) })}
        >
          {t("packs.shadow.end")}
        </Button>
      </Group>
      <Advice shadow={shadow} isActive={pack === active} pack={pack} />
      {shadow.compared === 0 ? (
        <Text size="sm">{t("packs.shadow.nothing")}</Text>
      ) : (
        <>
          <Agreement shadow={shadow} />
          <Progress.Root size={10}>
            {outcomes.map(({ name, color }) => {
              const count = shadow.counts[name] ?? 0;
              if (count === 0) return null;
              return (
                <Progress.Section
                  key={name}
                  value={(100 * count) / total}
                  color={color}
                  aria-label={t(`packs.shadow.outcomes.${name}`, names)}
                />
              );
            })}
          </Progress.Root>
          <ul className={classes.outcomes}>
            {outcomes.map(({ name, color }) => (
              <li key={name} className={classes.outcome}>
                <span className={classes.dot} style={{ background: colorOf(color) }} />
                <span>{t(`packs.shadow.outcomes.${name}`, names)}</span>
                <b className="tabular">{format.number(shadow.counts[name] ?? 0)}</b>
              </li>
            ))}
          </ul>
          <Work shadow={shadow} />
        </>
      )}
      {shadow.disagreements.length > 0 && <Disagreements shadow={shadow} />}
    </Stack>
  );
}

function colorOf(color: string): string {
  return `var(--mantine-color-${color.replace(".", "-")})`;
}

function Agreement({ shadow }: { shadow: Shadow }) {
  const { t } = useTranslation();
  const format = useFormat();
  if (shadow.agreement === null) return null;
  const [low, high] = shadow.agreement_interval ?? [];
  return (
    <div>
      <div className={classes.caption}>{t("packs.shadow.agreement")}</div>
      <Group gap="sm" align="baseline">
        <span className={`${classes.rate} tabular`} data-testid="agreement">
          {format.rate(shadow.agreement)}
        </span>
        {low !== undefined && high !== undefined && (
          <Text size="sm" c="dimmed">
            {t("packs.shadow.interval", {
              low: format.rate(low),
              high: format.rate(high),
            })}
          </Text>
        )}
      </Group>
    </div>
  );
}

interface AdviceProps {
  shadow: Shadow;
  isActive: boolean;
  pack: string;
}

function Advice({ shadow, isActive, pack }: AdviceProps) {
  const { t } = useTranslation();
  const format = useFormat();
  const advice = adviceOf(shadow, isActive);
  const { counts, coverage } = shadow;
  return (
    <Alert
      role="note"
      color={advice === "agree" ? "jade" : advice === "different" ? "cinnabar" : "ochre"}
      p="sm"
    >
      {t(`packs.shadow.advice.${advice}`, {
        pack,
        active: shadow.active_pack,
        missing: format.number(coverage.missing),
        images: format.number(coverage.images),
        judged: format.number(judgedFaces(shadow)),
        enough: format.number(ENOUGH_FACES),
        different: format.number(counts.different_persons ?? 0),
        lost: format.number(counts.only_active_knows ?? 0),
        won: format.number(counts.only_candidate_knows ?? 0),
      })}
    </Alert>
  );
}

function Work({ shadow }: { shadow: Shadow }) {
  const { t } = useTranslation();
  const format = useFormat();
  const { active, candidate } = shadow.latency_ms;
  const lines = [
    t("packs.shadow.compared", { count: shadow.compared }),
    shadow.dropped > 0 && t("packs.shadow.dropped", { count: shadow.dropped }),
    shadow.errors > 0 && t("packs.shadow.errors", { count: shadow.errors, last: shadow.last_error ?? "" }),
    active &&
      candidate &&
      t("packs.shadow.latency", {
        active: format.figure(active.p50, 0),
        candidate: format.figure(candidate.p50, 0),
        activePack: shadow.active_pack,
        pack: labelOf({ name: shadow.pack, version: shadow.pack_version }),
      }),
  ].filter(Boolean);
  return (
    <Text size="sm" c="dimmed" className="tabular">
      {lines.join(" · ")}
    </Text>
  );
}
