import { List, Text, Title } from "@mantine/core";
import { useTranslation } from "react-i18next";
import classes from "#/enhance/enhance.module.css";
import { useSentence } from "#/enhance/sentences";
import type { EnhancementReport } from "#/enhance/types";
import { changeOf } from "#/enhance/words";
import { useFormat } from "#/i18n/format";

/** What was done to a photo as a whole and what it brought, in words. */
export function ReportView({ report }: { report: EnhancementReport }) {
  const { t } = useTranslation();
  const format = useFormat();
  const sentence = useSentence();
  const { restorer, upscaler, recogniser } = report.engines;
  const change = changeOf(report.enhancement_ratio);
  return (
    <section className={`surface ${classes.panel}`} data-testid="report">
      <Title order={2} size="h5">
        {t("enhance.report.title")}
      </Title>
      <div>
        <div className={`${classes.ratio} tabular`}>×{format.figure(report.enhancement_ratio, 2)}</div>
        <Text size="sm">{t(`enhance.report.change.${change}`)}</Text>
      </div>
      <dl className={`${classes.facts} tabular`}>
        <dt>{t("enhance.report.sharpness")}</dt>
        <dd>
          {format.figure(report.sharpness_before, 2)} → <b>{format.figure(report.sharpness_after, 2)}</b>
        </dd>
        <dt>{t("enhance.report.size")}</dt>
        <dd>
          {format.number(report.width_before)} × {format.number(report.height_before)} →{" "}
          <b>
            {format.number(report.width_after)} × {format.number(report.height_after)}
          </b>
        </dd>
        <dt>{t("enhance.report.restorer")}</dt>
        <dd>{restorer ?? t("enhance.engines.noRestorer")}</dd>
        <dt>{t("enhance.report.upscaler")}</dt>
        <dd>{upscaler ?? t("enhance.engines.noUpscaler")}</dd>
        <dt>{t("enhance.report.recogniser")}</dt>
        <dd>{recogniser ?? t("enhance.engines.noRecogniser")}</dd>
        <dt>{t("enhance.report.time")}</dt>
        <dd>{format.seconds(report.seconds)}</dd>
      </dl>
      {report.notes.length > 0 && (
        <List size="sm" spacing={2} data-testid="notes">
          {report.notes.map((note) => (
            <List.Item key={note}>{sentence(note)}</List.Item>
          ))}
        </List>
      )}
    </section>
  );
}
