import "@mantine/charts/styles.css";
import { AreaChart, ChartTooltip, LineChart } from "@mantine/charts";
import { Title } from "@mantine/core";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import type { Calibration } from "#/api/types";
import classes from "#/calibration/calibration.module.css";
import { decades, type Marker, ratePoints, scorePoints } from "#/calibration/rates";
import { useFormat } from "#/i18n/format";

const HEIGHT_PX = 280;
const MARGIN = { top: 8, right: 16, bottom: 18, left: 4 };
const strokes: Record<Marker["name"], { color: string; dash: string }> = {
  proposed: { color: "var(--mantine-color-text)", dash: "0" },
  current: { color: "var(--focus)", dash: "6 4" },
  pack: { color: "var(--mantine-color-dimmed)", dash: "2 3" },
};

interface ChartProps {
  report: Calibration;
  markers: Marker[];
}

/** False matches and misses over the threshold, on a logarithmic axis. */
export function RatesChart({ report, markers }: ChartProps) {
  const { t } = useTranslation();
  const format = useFormat();
  const points = ratePoints(report.curves);
  const ticks = decades(points);
  const series = [
    { name: "fmr", label: t("calibration.rates.fmr"), color: "var(--brand)" },
    ...(report.curves.fnmr
      ? [{ name: "fnmr", label: t("calibration.rates.fnmr"), color: "var(--match)" }]
      : []),
  ];
  return (
    <Figure title={t("calibration.rates.title")} series={series} markers={markers}>
      <LineChart
        h={HEIGHT_PX}
        data={points}
        dataKey="threshold"
        series={series}
        curveType="linear"
        withDots={false}
        connectNulls={false}
        strokeWidth={2}
        xAxisLabel={t("calibration.rates.axis")}
        xAxisProps={numericAxis(points.map((point) => point.threshold))}
        yAxisProps={{
          type: "number",
          scale: "log",
          domain: [ticks[0] ?? 0.1, 1],
          ticks,
          interval: 0,
          allowDataOverflow: true,
          width: 64,
          tickFormatter: format.rate,
        }}
        lineChartProps={{ margin: MARGIN }}
        referenceLines={linesOf(markers)}
        tooltipAnimationDuration={0}
        tooltipProps={{
          content: ({ label, payload }) => (
            <ChartTooltip
              label={format.figure(Number(label))}
              payload={[...(payload ?? [])]}
              series={series}
              valueFormatter={format.rate}
            />
          ),
        }}
      />
    </Figure>
  );
}

/** How the scores of different people and of the same person lie. */
export function ScoresChart({ report, markers }: ChartProps) {
  const { t } = useTranslation();
  const format = useFormat();
  const points = scorePoints(report.histogram, report.images);
  const series = [
    { name: "strangers", label: t("calibration.histogram.strangers"), color: "var(--brand)" },
    ...(report.histogram.genuine
      ? [{ name: "genuine", label: t("calibration.histogram.genuine"), color: "var(--match)" }]
      : []),
  ];
  return (
    <Figure title={t("calibration.histogram.title")} series={series} markers={markers}>
      <AreaChart
        h={HEIGHT_PX}
        data={points}
        dataKey="score"
        series={series}
        curveType="step"
        withDots={false}
        withGradient={false}
        fillOpacity={0.25}
        strokeWidth={1.5}
        xAxisLabel={t("calibration.histogram.axis")}
        xAxisProps={numericAxis([
          ...points.map((point) => point.score),
          ...markers.map(({ value }) => value),
        ])}
        yAxisProps={{ width: 64, tickFormatter: format.rate }}
        areaChartProps={{ margin: MARGIN }}
        referenceLines={linesOf(markers)}
        tooltipAnimationDuration={0}
        tooltipProps={{
          content: ({ label, payload }) => (
            <ChartTooltip
              label={format.figure(Number(label))}
              payload={[...(payload ?? [])]}
              series={series}
              valueFormatter={format.rate}
            />
          ),
        }}
      />
    </Figure>
  );
}

/** From tenth to tenth of a score. */
function numericAxis(values: number[]) {
  const low = Math.floor(10 * Math.min(...values) + 1e-9);
  const high = Math.ceil(10 * Math.max(...values) - 1e-9);
  const ticks = Array.from({ length: high - low + 1 }, (_, index) => (low + index) / 10);
  return {
    type: "number" as const,
    domain: [low / 10, high / 10],
    ticks,
    tickFormatter: (value: number) => value.toFixed(1),
  };
}

function linesOf(markers: Marker[]) {
  return markers.map(({ name, value }) => ({
    x: value,
    color: strokes[name].color,
    strokeDasharray: strokes[name].dash,
    strokeWidth: 1.5,
  }));
}

interface FigureProps {
  title: string;
  series: { name: string; label: string; color: string }[];
  markers: Marker[];
  children: ReactNode;
}

/** Lines are named below: beside one another their names would lie on each other. */
function Figure({ title, series, markers, children }: FigureProps) {
  const { t } = useTranslation();
  const format = useFormat();
  return (
    <section className={`surface ${classes.panel}`} aria-label={title}>
      <Title order={2} size="h5" mb="sm">
        {title}
      </Title>
      {children}
      <ul className={classes.legend}>
        {series.map(({ name, label, color }) => (
          <li key={name}>
            <span className={classes.line} style={{ borderColor: color, borderTopWidth: 4 }} />
            {label}
          </li>
        ))}
        {markers.map(({ name, value }) => (
          <li key={name} className="tabular">
            <span
              className={classes.line}
              style={{
                borderColor: strokes[name].color,
                borderTopStyle: name === "proposed" ? "solid" : name === "current" ? "dashed" : "dotted",
              }}
            />
            {t(`calibration.marker.${name}`, { value: format.figure(value) })}
          </li>
        ))}
      </ul>
    </section>
  );
}
