import { Alert, Badge, Button, Group, Stack, Text } from "@mantine/core";
import { Check, Info } from "lucide-react";
import { useTranslation } from "react-i18next";
import { useMay } from "#/account/session";
import type { Calibration, Pack } from "#/api/types";
import classes from "#/calibration/calibration.module.css";
import { RatesChart, ScoresChart } from "#/calibration/charts";
import { LookAlikes } from "#/calibration/look-alikes";
import { inWords, isSame, markersOf } from "#/calibration/rates";
import { ThresholdTable } from "#/calibration/threshold-table";
import { useFormat } from "#/i18n/format";
import { thresholdOf } from "#/packs/labels";
import { useSetThreshold } from "#/packs/queries";
import { toastDone } from "#/shell/problem";

/** What a calibration found, and the way to make it count. */
export function Report({ report, pack }: { report: Calibration; pack: Pack }) {
  const { t } = useTranslation();
  const format = useFormat();
  const set = useSetThreshold(pack);
  const apply = (threshold: number | null) =>
    set.mutate(threshold, {
      onSuccess: (answer) => toastDone(t("calibration.done", { value: format.figure(answer.threshold) })),
    });
  const current = thresholdOf(pack);
  const markers = markersOf(report, current, pack.threshold);
  return (
    <Stack gap="xl">
      <Proposal report={report} pack={pack} busy={set.isPending} onApply={apply} />
      <ThresholdTable report={report} current={current} busy={set.isPending} onApply={apply} />
      <div className={classes.charts}>
        <RatesChart report={report} markers={markers} />
        <ScoresChart report={report} markers={markers} />
      </div>
      <LookAlikes pairs={report.look_alikes} />
    </Stack>
  );
}

interface ProposalProps {
  report: Calibration;
  pack: Pack;
  busy: boolean;
  onApply: (threshold: number | null) => void;
}

function Proposal({ report, pack, busy, onApply }: ProposalProps) {
  const { t } = useTranslation();
  const format = useFormat();
  const { proposed } = report;
  const current = thresholdOf(pack);
  const isPossible = proposed.threshold <= 1;
  const mayApply = useMay("models:manage");
  const isApplied = current !== null && isSame(current, proposed.threshold);
  return (
    <section className={`surface ${classes.result}`} aria-label={t("calibration.proposed")}>
      <div>
        <div className={classes.caption}>{t("calibration.proposed")}</div>
        <div className={`${classes.figure} tabular`} data-testid="proposed">
          {isPossible ? format.figure(proposed.threshold) : t("calibration.nothingMatches")}
        </div>
        <Text size="xs" c="dimmed">
          {t("calibration.chosenFor", { rate: format.rate(report.wanted_fmr) })}
        </Text>
        <Text size="sm" mt="sm" className="tabular">
          {t("calibration.inUse")}:{" "}
          <b data-testid="in-use">{current === null ? "–" : format.figure(current)}</b>
        </Text>
        <Text size="xs" c="dimmed">
          {t(pack.gallery_threshold === null ? "calibration.inUsePack" : "calibration.inUseGallery")}
        </Text>
      </div>
      <Stack gap="sm">
        <Sentences report={report} />
        <Certainty report={report} />
        <Group gap="sm">
          {isApplied ? (
            <Badge size="lg" variant="light" color="jade" leftSection={<Check size={14} />}>
              {t("calibration.applied")}
            </Badge>
          ) : mayApply ? (
            <Button disabled={!isPossible} loading={busy} onClick={() => onApply(proposed.threshold)}>
              {t("calibration.apply")}
            </Button>
          ) : (
            <Text size="sm">{t("calibration.byAdministrator")}</Text>
          )}
          {mayApply && pack.gallery_threshold !== null && pack.threshold !== null && (
            <Button variant="default" loading={busy} onClick={() => onApply(null)}>
              {t("calibration.back", { value: format.figure(pack.threshold) })}
            </Button>
          )}
        </Group>
        <Basis report={report} pack={pack} />
      </Stack>
    </section>
  );
}

function Sentences({ report }: { report: Calibration }) {
  const { t } = useTranslation();
  const format = useFormat();
  const { proposed } = report;
  const people = format.number(report.people);
  if (proposed.threshold > 1) return <Text>{t("calibration.above")}</Text>;
  const words = inWords(proposed.false_match_probability);
  const misses = proposed.fnmr;
  return (
    <div>
      <Text fw={600} data-testid="sentence">
        {t(`calibration.sentence.${words.kind}`, {
          people,
          n: words.kind === "one_in" ? format.number(words.n) : "",
          rate: words.kind === "most" ? format.rate(words.rate) : "",
        })}
      </Text>
      <Text>
        {misses === null
          ? t("calibration.sentence.missesUnknown")
          : misses.rate === 0
            ? t("calibration.sentence.missesNone")
            : t("calibration.sentence.misses", { rate: format.rate(misses.rate) })}
      </Text>
    </div>
  );
}

function Certainty({ report }: { report: Calibration }) {
  const { t } = useTranslation();
  const format = useFormat();
  const values = {
    people: format.number(report.people),
    least: format.rate(report.least_fmr),
    confidence: format.percent(report.confidence),
  };
  if (report.is_promised) {
    return (
      <Text size="sm" c="dimmed">
        {t("calibration.promised", values)}
      </Text>
    );
  }
  return (
    <Alert role="note" color="ochre" p="sm" icon={<Info size={18} />}>
      {t("calibration.notPromised", values)}
    </Alert>
  );
}

/** What the numbers come from, and whether that still is the gallery. */
function Basis({ report, pack }: { report: Calibration; pack: Pack }) {
  const { t } = useTranslation();
  const format = useFormat();
  const embedded = pack.coverage?.embedded ?? report.images;
  const lines = [
    t("calibration.based", {
      images: format.number(report.images),
      people: format.number(report.people),
      several: format.number(report.people_with_several_images),
      comparisons: format.number(report.comparisons),
      pack: `${report.pack}@${report.pack_version}`,
    }),
    report.sampled &&
      t("calibration.sampled", {
        probed: format.number(report.sampled.people),
        people: format.number(report.sampled.of),
      }),
  ].filter(Boolean);
  return (
    <div>
      <Text size="sm" c="dimmed">
        {lines.join(" ")}
      </Text>
      {embedded !== report.images && (
        <Text size="sm" c="var(--unknown)">
          {t("calibration.changed", { images: format.number(embedded) })}
        </Text>
      )}
    </div>
  );
}
