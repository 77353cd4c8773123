import { Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import type { HistoryPoint } from "#/api/types";
import { useFormat } from "#/i18n/format";
import { historyQuery } from "#/overview/history";
import classes from "#/overview/overview.module.css";
import { Sparkline } from "#/overview/sparkline";
import { ProblemAlert } from "#/shell/problem";

type Name = "cpu" | "memory" | "gpu" | "queue" | "jobs" | "streams" | "requests" | "inference";

interface Chart {
  name: Name;
  value: (point: HistoryPoint) => number | null;
  least: number;
  format: (value: number) => string;
  note?: (point: HistoryPoint) => string;
}

/** The numbers of the last fifteen minutes, as they are measured. */
export function LiveCharts() {
  const { t } = useTranslation();
  const format = useFormat();
  const history = useQuery(historyQuery);
  const points = history.data?.points ?? [];
  const newest = points.at(-1);
  const perSecond = (value: number) => t("overview.live.perSecond", { value: format.decimal(value) });
  const charts: Chart[] = [
    {
      name: "cpu",
      value: (point) => point.cpu_share,
      least: 1,
      format: format.percent,
      note: (point) => t("overview.live.ofServer", { value: format.percent(point.process_cpu_share) }),
    },
    {
      name: "memory",
      value: (point) => point.process_memory_bytes,
      least: 1e8,
      format: format.bytes,
      note: (point) => t("overview.live.ofMachine", { value: format.bytes(point.memory_used_bytes) }),
    },
    { name: "gpu", value: (point) => point.gpu_busy_share, least: 1, format: format.percent },
    {
      name: "queue",
      value: (point) => point.queue_waiting + point.queue_running,
      least: 5,
      format: format.number,
      note: (point) => t("overview.live.waiting", { value: format.number(point.queue_waiting) }),
    },
    { name: "jobs", value: (point) => point.jobs_waiting, least: 5, format: format.number },
    { name: "streams", value: (point) => point.streams, least: 5, format: format.number },
    {
      name: "requests",
      value: (point) => point.requests_per_s,
      least: 1,
      format: perSecond,
    },
    {
      name: "inference",
      value: (point) => point.inference_s,
      least: 0.02,
      format: format.milliseconds,
      note: (point) => perSecond(point.inferences_per_s),
    },
  ];
  return (
    <section data-testid="live-charts">
      <Title order={2} size="h4">
        {t("overview.live.title")}
      </Title>
      <Text c="dimmed" size="sm" mb="sm">
        {t("overview.live.text")}
      </Text>
      {history.error && !history.data && (
        <ProblemAlert error={history.error} onRetry={() => void history.refetch()} />
      )}
      {history.data && (
        <div className={classes.charts}>
          {charts
            .filter(({ name }) => name !== "gpu" || points.some((point) => point.gpu_busy_share !== null))
            .map(({ name, value, least, format: written, note }) => (
              <Sparkline
                key={name}
                name={name}
                label={t(`overview.live.${name}`)}
                samples={points.map((point) => ({ at: point.at, value: value(point) }))}
                intervalS={history.data.interval_s}
                least={least}
                format={written}
                note={newest && note?.(newest)}
                timeOf={(at) => format.time(new Date(1000 * at).toISOString())}
                nothing={t("overview.live.nothing")}
              />
            ))}
        </div>
      )}
    </section>
  );
}
