import { Button, Center, Group, Modal, Select, Skeleton, Stack, Table, Text } from "@mantine/core";
import { getRouteApi } from "@tanstack/react-router";
import { ListChecks, Trash2 } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { Job } from "#/api/types";
import { useFormat } from "#/i18n/format";
import { JobItems } from "#/jobs/job-items";
import { JobKind } from "#/jobs/job-kind";
import { JobState, ProgressFigures, StatusBadge } from "#/jobs/job-progress";
import { JobResult } from "#/jobs/job-result";
import { hasEnded, type JobStatus, useJob, useJobs, useRemoveJob } from "#/jobs/queries";
import { useLiveJobs } from "#/jobs/use-live-jobs";
import { LiveBadge } from "#/push/live-badge";
import { EmptyState } from "#/shell/empty-state";
import { PageHeader } from "#/shell/page-header";
import { ProblemAlert } from "#/shell/problem";

const route = getRouteApi("/jobs");
const states: JobStatus[] = ["pending", "processing", "completed", "failed", "cancelled"];

export function JobsPage() {
  const { t } = useTranslation();
  const { job: openedId } = route.useSearch();
  const navigate = route.useNavigate();
  const [status, setStatus] = useState<JobStatus | null>(null);
  const list = useJobs(status);
  const isLive = useLiveJobs();
  const jobs = list.data?.pages.flatMap((page) => page.jobs) ?? [];
  const open = (job?: string) => void navigate({ search: job ? { job } : {}, replace: true });
  return (
    <>
      <PageHeader title={t("jobs.title")} intro={t("jobs.intro")}>
        <LiveBadge isLive={isLive} />
        <Select
          aria-label={t("jobs.status")}
          placeholder={t("jobs.anyStatus")}
          clearable
          value={status}
          onChange={setStatus}
          data={states.map((state) => ({ value: state, label: t(`jobs.states.${state}`) }))}
          w={180}
        />
      </PageHeader>
      {list.isPending && <Skeleton height={260} radius="lg" />}
      {list.error && <ProblemAlert error={list.error} onRetry={() => void list.refetch()} />}
      {list.data && jobs.length === 0 && (
        <EmptyState icon={ListChecks} title={t("jobs.empty.title")} text={t("jobs.empty.text")} />
      )}
      {jobs.length > 0 && <JobTable jobs={jobs} onOpen={open} />}
      {list.hasNextPage && (
        <Center py="xl">
          <Button
            variant="default"
            loading={list.isFetchingNextPage}
            onClick={() => void list.fetchNextPage()}
          >
            {t("jobs.more")}
          </Button>
        </Center>
      )}
      <JobDialog jobId={openedId} onClose={() => open()} />
    </>
  );
}

function JobTable({ jobs, onOpen }: { jobs: Job[]; onOpen: (jobId: string) => void }) {
  const { t } = useTranslation();
  const format = useFormat();
  return (
    <Table.ScrollContainer minWidth={560} className="surface">
      <Table highlightOnHover verticalSpacing="sm">
        <Table.Thead>
          <Table.Tr>
            <Table.Th>{t("jobs.kind")}</Table.Th>
            <Table.Th>{t("jobs.status")}</Table.Th>
            <Table.Th>{t("jobs.progress")}</Table.Th>
            <Table.Th>{t("jobs.created")}</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {jobs.map((job) => (
            <Table.Tr key={job.job_id} data-testid="job-row">
              <Table.Td>
                <Button
                  variant="transparent"
                  px={0}
                  size="compact-md"
                  data-job={job.job_id}
                  onClick={() => onOpen(job.job_id)}
                >
                  <JobKind kind={job.kind} />
                </Button>
              </Table.Td>
              <Table.Td>
                <StatusBadge job={job} />
              </Table.Td>
              <Table.Td className="tabular">
                <ProgressFigures job={job} />
              </Table.Td>
              <Table.Td>{format.dateTime(job.created_at)}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}

function JobDialog({ jobId, onClose }: { jobId: string | undefined; onClose: () => void }) {
  const { t } = useTranslation();
  return (
    <Modal
      opened={jobId !== undefined}
      onClose={onClose}
      size="xl"
      title={t("jobs.one")}
      closeButtonProps={{ "aria-label": t("shell.close") }}
    >
      {jobId && <JobView jobId={jobId} onClose={onClose} />}
    </Modal>
  );
}

function JobView({ jobId, onClose }: { jobId: string; onClose: () => void }) {
  const { t } = useTranslation();
  const format = useFormat();
  const { data: job, error } = useJob(jobId);
  const remove = useRemoveJob(jobId);
  if (error) return <ProblemAlert error={error} />;
  if (!job) return <Skeleton height={160} />;
  return (
    <Stack>
      <Group justify="space-between">
        <Text fw={600}>
          <JobKind kind={job.kind} />
        </Text>
        <Text size="sm" c="dimmed">
          {format.dateTime(job.created_at)}
        </Text>
      </Group>
      <JobState job={job} />
      <JobItems job={job} />
      <JobResult job={job} />
      {hasEnded(job) && (
        <Group justify="flex-end">
          <Button
            variant="subtle"
            color="cinnabar"
            leftSection={<Trash2 size={16} />}
            loading={remove.isPending}
            onClick={() => remove.mutate(undefined, { onSuccess: onClose })}
          >
            {t("jobs.remove")}
          </Button>
        </Group>
      )}
    </Stack>
  );
}
