import { Alert, Badge, Button, Group, Progress, Stack, Text } from "@mantine/core";
import type { TFunction } from "i18next";
import { CircleStop, RotateCcw, TriangleAlert } from "lucide-react";
import { useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";
import { useMay } from "#/account/session";
import type { Job } from "#/api/types";
import { useFormat } from "#/i18n/format";
import { hasEnded, useCancelJob, useJob, useRetryJob } from "#/jobs/queries";
import { ProblemAlert } from "#/shell/problem";

const tones: Record<Job["status"], string> = {
  pending: "ink",
  processing: "ochre",
  completed: "jade",
  failed: "cinnabar",
  cancelled: "gray",
};

interface JobProgressProps {
  jobId: string;
  /** Told once, when the job ends while it is being watched. */
  onEnd?: (job: Job) => void;
}

/** A job while it runs, with the way to stop it; afterwards what became of it. */
export function JobProgress({ jobId, onEnd }: JobProgressProps) {
  const job = useJob(jobId);
  const told = useRef<string | null>(null);
  const { data } = job;
  useEffect(() => {
    if (!data) return;
    if (!hasEnded(data)) told.current = null;
    else if (told.current !== `${data.job_id} ${data.finished_at}`) {
      told.current = `${data.job_id} ${data.finished_at}`;
      onEnd?.(data);
    }
  }, [data, onEnd]);
  if (job.error) return <ProblemAlert error={job.error} onRetry={() => void job.refetch()} />;
  return data ? <JobState job={data} /> : <Progress value={0} animated />;
}

export function JobState({ job }: { job: Job }) {
  const { t } = useTranslation();
  const format = useFormat();
  const cancel = useCancelJob(job.job_id);
  const retry = useRetryJob(job.job_id);
  const { done, total, message } = job.progress;
  const ended = hasEnded(job);
  const failedItems = job.items.failed ?? 0;
  // After a dry run the upload is gone, and there is nothing to mend.
  const isDry = job.result?.dry_run === true;
  // One's own inference may be repeated without it; the server holds it so.
  const mayManage = useMay("jobs:manage") || job.kind === "images.inference";
  // What a face was to be put onto is gone with the swap's first run.
  const mayRetry = mayManage && job.kind !== "swap.run";
  const canRetry = mayRetry && ended && (job.status !== "completed" || (failedItems > 0 && !isDry));
  return (
    <Stack gap="xs" data-testid="job" data-status={job.status}>
      <Group justify="space-between" gap="xs">
        <Group gap="xs">
          <StatusBadge job={job} />
          <Text size="sm" c="dimmed" className="tabular" role="status">
            <ProgressFigures job={job} />
            {message && job.status !== "completed" && ` · ${messageText(t, message)}`}
          </Text>
        </Group>
        <Group gap="xs">
          {!ended && (
            <Button
              size="xs"
              variant="default"
              leftSection={<CircleStop size={15} />}
              loading={cancel.isPending}
              disabled={job.cancel_requested}
              onClick={() => cancel.mutate()}
            >
              {t(job.cancel_requested ? "jobs.cancelling" : "jobs.cancel")}
            </Button>
          )}
          {canRetry && (
            <Button
              size="xs"
              variant="default"
              leftSection={<RotateCcw size={15} />}
              loading={retry.isPending}
              onClick={() => retry.mutate()}
            >
              {job.status === "completed" ? t("jobs.retryItems", { count: failedItems }) : t("jobs.retry")}
            </Button>
          )}
        </Group>
      </Group>
      {!ended && (
        <Progress
          value={total ? (100 * done) / total : 100}
          animated={total === null || job.status === "pending"}
          aria-label={t("jobs.progress")}
        />
      )}
      {Object.keys(job.items).length > 0 && (
        <Group gap={6}>
          {Object.entries(job.items).map(([status, count]) => (
            <Badge key={status} variant="default" size="lg">
              {itemStatus(t, status)}: {format.number(count)}
            </Badge>
          ))}
        </Group>
      )}
      {job.error && (
        <Alert
          color="cinnabar"
          icon={<TriangleAlert size={18} />}
          title={errorTitle(t, job.error)}
          role="alert"
        >
          {job.error.detail} <code>{job.error.code}</code>
        </Alert>
      )}
    </Stack>
  );
}

export function ProgressFigures({ job }: { job: Job }) {
  const { t } = useTranslation();
  const format = useFormat();
  const { done, total } = job.progress;
  // A download counts bytes.
  const figure = job.kind === "pack.pull" ? format.bytes : format.number;
  if (total === null) return <>{figure(done)}</>;
  return <>{t("jobs.ofTotal", { done: figure(done), total: figure(total) })}</>;
}

export function StatusBadge({ job }: { job: Job }) {
  const { t } = useTranslation();
  return (
    <Badge variant="light" color={tones[job.status]} miw="max-content">
      {t(`jobs.states.${job.status}`)}
    </Badge>
  );
}

/** The word of the handler, in the person's language where it is known. */
export function itemStatus(t: TFunction, status: string): string {
  return t(`jobs.itemStates.${status}` as "jobs.itemStates.failed", { defaultValue: status });
}

/** Messages of one word are translated; longer ones carry figures and stay the server's own. */
function messageText(t: TFunction, message: string): string {
  return t(`jobs.messages.${message}` as "jobs.messages.downloading", { defaultValue: message });
}

function errorTitle(t: TFunction, error: NonNullable<Job["error"]>): string {
  return t(`problem.titles.${error.code}` as "problem.titles.several_faces", { defaultValue: error.title });
}
