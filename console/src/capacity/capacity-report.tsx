import { Text, Title } from "@mantine/core";
import { useTranslation } from "react-i18next";
import type { Capacity, CapacityFigure } from "#/api/types";
import classes from "#/capacity/capacity.module.css";
import { useFormat } from "#/i18n/format";

/** What the machine does, on what it was measured, and with what. */
export function CapacityReport({ report }: { report: Capacity }) {
  const { t } = useTranslation();
  const format = useFormat();
  const { machine, settings, versions } = report;
  return (
    <>
      <div className={classes.figures}>
        {report.figures.map((figure) => (
          <Figure key={figure.name} figure={figure} />
        ))}
        <Reference report={report} />
      </div>
      <section>
        <Title order={2} size="h4" mb="sm">
          {t("capacity.measuredOn")}
        </Title>
        <dl className={`surface ${classes.facts}`}>
          <dt>{t("capacity.time")}</dt>
          <dd>{format.dateTime(report.measured_at)}</dd>
          <dt>{t("capacity.machine")}</dt>
          <dd>
            {machine.host}
            <Text size="sm" c="dimmed">
              {t("capacity.machineText", {
                processor: machine.processor,
                cores: format.number(machine.cores),
                memory: format.bytes(machine.memory_bytes),
                system: machine.system,
              })}
            </Text>
          </dd>
          <dt>{t("capacity.pack")}</dt>
          <dd>{settings.pack}</dd>
          <dt>{t("capacity.provider")}</dt>
          <dd>
            {settings.provider}
            {settings.cpu_reason && (
              <Text size="sm" c="dimmed">
                {settings.cpu_reason}
              </Text>
            )}
          </dd>
          <dt>{t("capacity.settings")}</dt>
          <dd>
            {t("capacity.settingsText", {
              threads: format.number(settings.threads),
              workers: format.number(settings.workers),
            })}
          </dd>
          <dt>{t("capacity.versions")}</dt>
          <dd>{t("capacity.versionsText", { ...versions })}</dd>
        </dl>
      </section>
    </>
  );
}

function Figure({ figure }: { figure: CapacityFigure }) {
  const { t } = useTranslation();
  const format = useFormat();
  const { name, value, reason, detail, rows, in_flight: inFlight, engines } = figure;
  const facts = [
    rows !== null && t("capacity.rows", { total: format.number(rows) }),
    inFlight !== null && inFlight > 1 && t("capacity.inFlight", { total: format.number(inFlight) }),
    engines.length > 0 && engines.join(", "),
    figure.is_derived && t("capacity.derived"),
    value !== null && t("capacity.measuredFor", { time: format.seconds(figure.measured_s) }),
  ].filter((fact) => typeof fact === "string");
  return (
    <div className={`surface ${classes.figure}`} data-testid={`figure-${name}`}>
      <Text c="dimmed" size="sm">
        {t(`capacity.figures.${name}`)}
      </Text>
      {value === null ? (
        <Text mt={6}>{detail ?? (reason && t(`capacity.reasons.${reason}`))}</Text>
      ) : (
        <div className={`${classes.value} tabular`}>
          {format.number(rounded(value))} <span className={classes.unit}>{t(`capacity.units.${name}`)}</span>
        </div>
      )}
      <Text c="dimmed" size="sm">
        {facts.join(" · ")}
      </Text>
    </div>
  );
}

function Reference({ report: { reference, no_reference: reason } }: { report: Capacity }) {
  const { t } = useTranslation();
  const format = useFormat();
  return (
    <div className={`surface ${classes.figure}`} data-testid="figure-reference">
      <Text c="dimmed" size="sm">
        {t("capacity.reference.title")}
      </Text>
      {reference === null ? (
        <Text mt={6}>{reason && t(`capacity.reference.${reason}`)}</Text>
      ) : (
        <>
          <div className={`${classes.value} tabular`}>
            {format.number(rounded(reference.ratio))}
            <span className={classes.unit}>×</span>
          </div>
          <Text c="dimmed" size="sm">
            {t("capacity.reference.text", {
              version: reference.version,
              ours: format.number(rounded(reference.ours_per_s)),
              theirs: format.number(rounded(reference.theirs_per_s)),
            })}
          </Text>
        </>
      )}
    </div>
  );
}

/** More digits than these were not measured. */
function rounded(value: number): number {
  return value < 100 ? Math.round(value * 10) / 10 : Math.round(value);
}
