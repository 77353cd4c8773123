import { Alert, Button, Skeleton, Stack } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Timer } from "lucide-react";
import { useCallback, useState } from "react";
import { useTranslation } from "react-i18next";
import { CapacityReport } from "#/capacity/capacity-report";
import { CAPACITY_KIND, capacityQuery, useMeasure } from "#/capacity/queries";
import { useFormat } from "#/i18n/format";
import { JobProgress } from "#/jobs/job-progress";
import { hasEnded, useJobEnd, useLatestJob } from "#/jobs/queries";
import { ConfirmDialog } from "#/shell/confirm-dialog";
import { EmptyState } from "#/shell/empty-state";
import { PageHeader } from "#/shell/page-header";
import { ProblemAlert } from "#/shell/problem";

export function CapacityPage() {
  const { t } = useTranslation();
  const format = useFormat();
  const client = useQueryClient();
  const [asking, setAsking] = useState(false);
  const measure = useMeasure();
  const job = useLatestJob(CAPACITY_KIND);
  const capacity = useQuery(capacityQuery);
  const running = job.data ? !hasEnded(job.data) : false;
  const shown = job.data && (running || job.data.status !== "completed") ? job.data : null;
  const refresh = useCallback(() => {
    for (const key of ["capacity", "jobs"]) void client.invalidateQueries({ queryKey: [key] });
  }, [client]);
  useJobEnd(job.data ?? null, refresh);
  const start = (
    <Button leftSection={<Timer size={18} />} disabled={running} onClick={() => setAsking(true)}>
      {t(capacity.data ? "capacity.again" : "capacity.start")}
    </Button>
  );
  return (
    <>
      <PageHeader title={t("capacity.title")} intro={t("capacity.intro")}>
        {capacity.data && start}
      </PageHeader>
      <Stack gap="xl">
        {shown && (
          <div className="surface" style={{ padding: 18 }}>
            <JobProgress jobId={shown.job_id} onEnd={refresh} />
          </div>
        )}
        {capacity.isPending && <Skeleton height={260} radius="lg" />}
        {capacity.error && <ProblemAlert error={capacity.error} onRetry={() => void capacity.refetch()} />}
        {capacity.data === null && !running && (
          <EmptyState icon={Timer} title={t("capacity.never.title")} text={t("capacity.never.text")}>
            {start}
          </EmptyState>
        )}
        {capacity.data?.is_busy && (
          <Alert color="ochre">
            {t("capacity.busy", { share: format.percent(capacity.data.busy_share) })}
          </Alert>
        )}
        {capacity.data?.is_quick && <Alert color="ochre">{t("capacity.quick")}</Alert>}
        {capacity.data && <CapacityReport report={capacity.data} />}
      </Stack>
      <ConfirmDialog
        opened={asking}
        title={t("capacity.confirm.title")}
        text={t("capacity.confirm.text")}
        confirm={t("capacity.confirm.confirm")}
        busy={measure.isPending}
        onConfirm={() => measure.mutate(undefined, { onSettled: () => setAsking(false) })}
        onClose={() => setAsking(false)}
      />
    </>
  );
}
