import { Badge, Button, Group, Stack, Text } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { HealthFinding } from "#/api/types";
import { FindingPictures } from "#/health/finding-pictures";
import { losesSomething, type Mending, mendingOf, type Severity, wordingOf } from "#/health/findings";
import classes from "#/health/health.module.css";
import { useApply, useReportAgain } from "#/health/queries";
import { useFormat } from "#/i18n/format";
import { ScoreBar } from "#/search/score-bar";
import { ConfirmDialog } from "#/shell/confirm-dialog";
import { toastDone } from "#/shell/problem";

const tones: Record<Severity, string> = { high: "cinnabar", medium: "ochre", low: "gray" };
/** Only the person who knows can mend these: by another photo. */
const needsPhoto = new Set<HealthFinding["kind"]>(["single_poor_image", "no_embedding"]);

interface FindingCardProps {
  finding: HealthFinding;
  pack: string;
  isFine: boolean;
}

/** What is wrong, the photos that show it, and every way to mend it. */
export function FindingCard({ finding, pack, isFine }: FindingCardProps) {
  const { t } = useTranslation();
  const [first] = finding.persons;
  const isScored = finding.score !== null && finding.limit !== null && finding.kind !== "single_poor_image";
  return (
    <li className={`surface ${classes.finding}`} data-testid="finding" data-kind={finding.kind}>
      <FindingPictures finding={finding} />
      <Stack gap="sm" miw={0}>
        <Group gap="xs">
          <Badge
            variant="light"
            color={tones[finding.severity]}
            aria-label={t("health.severity.label", { severity: t(`health.severity.${finding.severity}`) })}
          >
            {t(`health.severity.${finding.severity}`)}
          </Badge>
          {isFine && <Badge variant="default">{t("health.calledFine")}</Badge>}
        </Group>
        <Why finding={finding} pack={pack} />
        {isScored && (
          <div className={classes.score}>
            <ScoreBar
              score={finding.score ?? 0}
              threshold={finding.limit ?? 0}
              isMatch={(finding.score ?? 0) >= (finding.limit ?? 0)}
            />
          </div>
        )}
        <Group gap="xs">
          {first && needsPhoto.has(finding.kind) && (
            <Button
              size="xs"
              renderRoot={(props) => (
                <Link {...props} to="/gallery/$personId" params={{ personId: first.person_id }} />
              )}
            >
              {t("health.open", { name: first.name })}
            </Button>
          )}
          {isFine ? <ReportAgain finding={finding} /> : <Actions finding={finding} />}
        </Group>
      </Stack>
    </li>
  );
}

function Why({ finding, pack }: { finding: HealthFinding; pack: string }) {
  const { t, i18n } = useTranslation();
  const format = useFormat();
  const wording = wordingOf(finding);
  const names = finding.persons.map((person) => person.name);
  return (
    <Text style={{ overflowWrap: "anywhere" }}>
      {t(`health.why.${wording}`, {
        name: names[0],
        other: names[1],
        names: new Intl.ListFormat(i18n.language).format(names),
        score: finding.score === null ? "" : format.figure(finding.score),
        limit: finding.limit === null ? "" : format.figure(finding.limit),
        pack,
      })}
    </Text>
  );
}

/** What most likely mends it; deleting and thresholds are a matter of opinion. */
function isCure({ does }: Mending): boolean {
  return does === "merge" || does === "move_image" || does === "generate_features";
}

function Actions({ finding }: { finding: HealthFinding }) {
  const { t } = useTranslation();
  const apply = useApply(finding.finding_id);
  const [asked, setAsked] = useState<string | null>(null);
  const offered = finding.actions.map((action) => ({ action, mending: mendingOf(finding, action) }));
  const confirmed = offered.find(({ action }) => action.action === asked);
  const perform = (action: string, mending: Mending) =>
    apply.mutate(action, {
      onSuccess: () => {
        if (mending.does !== "unknown") toastDone(t(`health.done.${mending.does}`, { ...mending }));
      },
      onSettled: () => setAsked(null),
    });
  return (
    <>
      {offered.map(({ action, mending }, index) => (
        <Button
          key={action.action}
          size="xs"
          variant={index === 0 && isCure(mending) ? "filled" : "default"}
          loading={apply.isPending && apply.variables === action.action}
          disabled={apply.isPending}
          onClick={() =>
            losesSomething(mending) ? setAsked(action.action) : perform(action.action, mending)
          }
          className={classes.action}
        >
          <ActionLabel mending={mending} fallback={action.label} />
        </Button>
      ))}
      {confirmed && losesSomething(confirmed.mending) && (
        <ConfirmDialog
          opened
          title={t(`health.confirm.${confirmed.mending.does}.title`, { ...confirmed.mending })}
          text={t(`health.confirm.${confirmed.mending.does}.text`, { ...confirmed.mending })}
          confirm={t(`health.confirm.${confirmed.mending.does}.confirm`)}
          busy={apply.isPending}
          onConfirm={() => perform(confirmed.action.action, confirmed.mending)}
          onClose={() => setAsked(null)}
        />
      )}
    </>
  );
}

/** The server's own words where the console knows none. */
function ActionLabel({ mending, fallback }: { mending: Mending; fallback: string }) {
  const { t } = useTranslation();
  if (mending.does === "unknown") return <>{fallback}</>;
  if (mending.does === "delete_image" && mending.number !== null)
    return <>{t("health.actions.delete_numbered", { number: mending.number })}</>;
  return <>{t(`health.actions.${mending.does}`, { ...mending })}</>;
}

function ReportAgain({ finding }: { finding: HealthFinding }) {
  const { t } = useTranslation();
  const again = useReportAgain(finding.finding_id);
  return (
    <Button size="xs" variant="default" loading={again.isPending} onClick={() => again.mutate()}>
      {t("health.reportAgain")}
    </Button>
  );
}
