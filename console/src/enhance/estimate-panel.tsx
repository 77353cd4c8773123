import { Button, Loader, Stack, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { type Problem, problemOf } from "#/api/problem";
import classes from "#/enhance/enhance.module.css";
import { type Level, levels, type Options, SCALES } from "#/enhance/options";
import { enginesQuery, estimateQuery } from "#/enhance/queries";
import { Refusal } from "#/enhance/refusal";
import type { Engine, Estimate } from "#/enhance/types";
import { useFormat } from "#/i18n/format";
import type { Photo } from "#/search/queries";

interface EstimatePanelProps {
  photo: Photo;
  options: Options;
  /** Takes another level where the server says that this one makes the photo too large. */
  onLevel: (level: Level) => void;
  /** Photos of a batch, of which this one is the first. */
  count?: number;
}

/** What it would be, before anything is sent but the beginning of the photo. */
export function EstimatePanel({ photo, options, onLevel, count = 1 }: EstimatePanelProps) {
  const { t } = useTranslation();
  const estimate = useQuery(estimateQuery(photo, options));
  if (estimate.error) {
    const problem = problemOf(estimate.error);
    // What is wrong with the photo is so the next time too.
    const isPassing = problem.status === 0 || problem.status >= 500;
    const level = greatestLevelOf(problem);
    return (
      <Stack gap="xs">
        <Refusal
          problem={problem}
          retryAt={null}
          onRetry={isPassing ? () => void estimate.refetch() : undefined}
        />
        {level && (
          <Button size="xs" variant="default" onClick={() => onLevel(level)}>
            {t("enhance.estimate.take", { scale: SCALES[level] })}
          </Button>
        )}
      </Stack>
    );
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

/** Of a photo that the chosen level would make too large; null: none fits, or something else is wrong. */
function greatestLevelOf({ code, context }: Problem): Level | null {
  if (code !== "enhancement_too_large") return null;
  return levels.find((level) => level === context.greatest_level) ?? null;
}

function Facts({ estimate, options, count }: { estimate: Estimate; options: Options; count: number }) {
  const { t } = useTranslation();
  const format = useFormat();
  const scale = SCALES[options.level];
  const { width_after: width, height_after: height } = estimate;
  const { restorer, upscaler } = estimate.engines;
  const { data: engines } = useQuery(enginesQuery);
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
      <dd>{restorer ? withLicence(restorer, engines?.restorers) : t("enhance.engines.noRestorer")}</dd>
      <dt>{t("enhance.estimate.rest")}</dt>
      <dd>{upscaler ? withLicence(upscaler, engines?.upscalers) : t("enhance.engines.noUpscaler")}</dd>
    </dl>
  );
}

/** `label`: name and version, as the server tells what will run. */
function withLicence(label: string, engines: Engine[] = []): string {
  const licence = engines.find(({ name, pack }) => label === name || label === pack)?.licence;
  return licence ? `${label} (${licence})` : label;
}
