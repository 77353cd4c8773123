import { Anchor, Button, Group, Stack, Text, Title } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { TFunction } from "i18next";
import { ArrowLeft } from "lucide-react";
import { useCallback } from "react";
import { useTranslation } from "react-i18next";
import type { Job } from "#/api/types";
import { NewBulk } from "#/gallery/bulk/new-bulk";
import { galleryChanged } from "#/gallery/queries";
import { useFormat } from "#/i18n/format";
import { JobItems } from "#/jobs/job-items";
import { JobProgress } from "#/jobs/job-progress";
import { hasEnded, useJob, useLatestJob } from "#/jobs/queries";
import { PageHeader } from "#/shell/page-header";
import { ProblemAlert } from "#/shell/problem";

const KIND = "gallery.bulk_enrol";

export function BulkPage() {
  const { t } = useTranslation();
  const job = useLatestJob(KIND);
  return (
    <>
      <Anchor component={Link} to="/gallery" c="dimmed" size="sm" display="inline-block" mb="sm">
        <Group gap={6}>
          <ArrowLeft size={15} />
          {t("gallery.title")}
        </Group>
      </Anchor>
      <PageHeader title={t("bulk.title")} intro={t("bulk.intro")} />
      <Stack gap="xl">
        <NewBulk />
        {job.error && <ProblemAlert error={job.error} onRetry={() => void job.refetch()} />}
        {job.data && <Run key={job.data.job_id} jobId={job.data.job_id} />}
      </Stack>
    </>
  );
}

function Run({ jobId }: { jobId: string }) {
  const { t } = useTranslation();
  const format = useFormat();
  const client = useQueryClient();
  const { data: job } = useJob(jobId);
  const onEnd = useCallback(() => galleryChanged(client), [client]);
  return (
    <Stack component="section" gap="sm" aria-label={t("bulk.last")}>
      <Group justify="space-between">
        <Title order={2} size="h4">
          {titleOf(job, t)}
        </Title>
        {job && (
          <Text size="sm" c="dimmed">
            {format.dateTime(job.created_at)}
          </Text>
        )}
      </Group>
      <JobProgress jobId={jobId} onEnd={onEnd} />
      {job?.result && <Result result={job.result} />}
      {job && <JobItems job={job} />}
    </Stack>
  );
}

function titleOf(job: Job | undefined, t: TFunction): string {
  if (job && !hasEnded(job)) return t("bulk.running");
  return t(job?.result?.dry_run === true ? "bulk.lastDry" : "bulk.last");
}

function Result({ result }: { result: NonNullable<Job["result"]> }) {
  const { t } = useTranslation();
  const format = useFormat();
  const { persons_created: created, images_per_second: rate } = result;
  return (
    <Group gap="md">
      {typeof created === "number" && created > 0 && <Text>{t("bulk.created", { count: created })}</Text>}
      {typeof rate === "number" && (
        <Text c="dimmed" size="sm" className="tabular">
          {t("bulk.speed", { rate: format.number(Math.round(rate * 10) / 10) })}
        </Text>
      )}
      <Button size="xs" variant="default" renderRoot={(props) => <Link {...props} to="/gallery" />}>
        {t("bulk.toGallery")}
      </Button>
    </Group>
  );
}
