import { Group, Text } from "@mantine/core";
import { getRouteApi } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { useFormat } from "#/i18n/format";
import { StatusBadge } from "#/jobs/job-progress";
import { useRecentJobs } from "#/jobs/queries";
import { ProblemAlert } from "#/shell/problem";
import { Panel } from "#/swap/panel";
import { isPreview, SWAP_KIND, targetOf } from "#/swap/studio/result";
import classes from "#/swap/swap.module.css";

const SHOWN = 12;
const route = getRouteApi("/swap");

/** One's own swaps, the newest first. */
export function SwapList({ shown }: { shown: string | null }) {
  const { t } = useTranslation();
  const format = useFormat();
  const navigate = route.useNavigate();
  const jobs = useRecentJobs(SWAP_KIND);
  if (jobs.error && !jobs.data) {
    return (
      <div className={classes.last}>
        <ProblemAlert error={jobs.error} onRetry={() => void jobs.refetch()} />
      </div>
    );
  }
  // Whoever looks after all jobs sees those of others, without what they are about.
  const own = jobs.data?.filter((job) => !job.is_withheld).slice(0, SHOWN) ?? [];
  if (own.length === 0) return null;
  return (
    <Panel title={t("swap.list")} order={6}>
      <ul className={classes.rows}>
        {own.map((job) => (
          <li key={job.job_id}>
            <button
              type="button"
              className={classes.row}
              aria-pressed={job.job_id === shown}
              onClick={() => void navigate({ search: { job: job.job_id } })}
              data-testid="swap-row"
            >
              <Text size="sm" fw={600} className="truncate">
                {targetOf(job)}
                {isPreview(job) && (
                  <Text span size="sm" c="dimmed" fw={400}>
                    {" "}
                    · {t("swap.preview")}
                  </Text>
                )}
              </Text>
              <Group gap="xs" wrap="nowrap" flex="none">
                <Text size="xs" c="dimmed" className="tabular" visibleFrom="xs">
                  {format.dateTime(job.created_at)}
                </Text>
                <StatusBadge job={job} />
              </Group>
            </button>
          </li>
        ))}
      </ul>
    </Panel>
  );
}
