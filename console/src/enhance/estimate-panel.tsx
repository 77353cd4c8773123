import { Loader, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { problemOf } from "#/api/problem";
import classes from "#/enhance/enhance.module.css";
import { type Options, SCALES } from "#/enhance/options";
import { estimateQuery } from "#/enhance/queries";
import { Refusal } from "#/enhance/refusal";
import type { Estimate } from "#/enhance/types";
import { useFormat } from "#/i18n/format";
import type { Photo } from "#/search/queries";

interface EstimatePanelProps {
  photo: Photo;
  options: Options;
  /** Photos of a batch, of which this one is the first. */
  count?: number;
}

/** What it would be, before anything is sent but the beginning of the photo. */
export function EstimatePanel({ photo, options, count = 1 }: EstimatePanelProps) {
  const { t } = useTranslation();
  const estimate = useQuery(estimateQuery(photo, options));
  if (estimate.error) {
    const problem = problemOf(estimate.error);
    return <Refusal problem={problem} retryAt={null} onRetry={() => void estimate.refetch()} />;
  }
  return (
    <section className={classes.estimate} aria-label={t("enhance.estimate.title")} data-testid="estimate">
      <Text size="sm" fw={600}>
        {t(count > 1 ? "enhance.estimate.titleFirst" : "enhance.estimate.title")}
        {estimate.isFetching && <Loader size={12} ml={8} />}
      </Text>
      {estimate.data ? (
        <Facts estimate={estimate.data} options={options} count={count} />
      ) : (
        <Text size="sm" c="dimmed">
          {t("enhance.estimate.asking")}
        </Text>
      )}
    </section>
  );
}

function Facts({ estimate, options, count }: { estimate: Estimate; options: Options; count: number }) {
  const { t } = useTranslation();
  const format = useFormat();
  const scale = SCALES[options.level];
  const { width_after: width, height_after: height } = estimate;
  const { restorer, upscaler } = estimate.engines;
  return (
    <dl className={`${classes.facts} tabular`}>
      <dt>{t("enhance.estimate.size")}</dt>
      <dd>
        {format.number(Math.round(width / scale))} × {format.number(Math.round(height / scale))} →{" "}
        <b>
          {format.number(width)} × {format.number(height)}
        </b>
      </dd>
      <dt>{t("enhance.estimate.time")}</dt>
      <dd>
        {t("enhance.estimate.about", { time: format.seconds(estimate.estimated_s) })}
        {count > 1 &&
          ` · ${t("enhance.estimate.all", { count, time: format.seconds(count * estimate.estimated_s) })}`}
      </dd>
      <dt>{t("enhance.options.restorer")}</dt>
      <dd>{restorer ?? t("enhance.engines.noRestorer")}</dd>
      <dt>{t("enhance.estimate.rest")}</dt>
      <dd>{upscaler ?? t("enhance.engines.noUpscaler")}</dd>
    </dl>
  );
}
