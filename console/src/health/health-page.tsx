import { Button, Group, Select, Skeleton, Stack, Switch, Text } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { HeartPulse, ShieldCheck, Stethoscope } from "lucide-react";
import { useCallback, useState } from "react";
import { useTranslation } from "react-i18next";
import { packsQuery } from "#/api/queries";
import type { HealthAnswer } from "#/api/types";
import { FindingGroup } from "#/health/finding-group";
import { groupsOf } from "#/health/findings";
import { HEALTH_KIND, healthQuery, useCheckHealth } from "#/health/queries";
import { useFormat } from "#/i18n/format";
import { JobProgress } from "#/jobs/job-progress";
import { hasEnded, useJobEnd, useLatestJob } from "#/jobs/queries";
import { EmptyState } from "#/shell/empty-state";
import { PageHeader } from "#/shell/page-header";
import { ProblemAlert } from "#/shell/problem";

export function HealthPage() {
  const { t } = useTranslation();
  const client = useQueryClient();
  const [pack, setPack] = useState<string | null>(null);
  const check = useCheckHealth();
  const job = useLatestJob(HEALTH_KIND);
  const report = useQuery(healthQuery(false));
  const running = job.data ? !hasEnded(job.data) : false;
  const shown = job.data && (running || job.data.status !== "completed") ? job.data : null;
  const refresh = useCallback(() => {
    for (const key of ["health", "jobs"]) void client.invalidateQueries({ queryKey: [key] });
  }, [client]);
  useJobEnd(job.data ?? null, refresh);
  const start = (
    <Button
      leftSection={<Stethoscope size={18} />}
      loading={check.isPending}
      disabled={running}
      onClick={() => check.mutate(pack)}
    >
      {t(report.data ? "health.again" : "health.start")}
    </Button>
  );
  return (
    <>
      <PageHeader title={t("health.title")} intro={t("health.intro")}>
        <PackChoice value={pack} onChange={setPack} />
        {report.data !== null && start}
      </PageHeader>
      <Stack gap="xl">
        {shown && (
          <div className="surface" style={{ padding: 18 }}>
            <JobProgress jobId={shown.job_id} onEnd={refresh} />
          </div>
        )}
        {report.isPending && <Skeleton height={260} radius="lg" />}
        {report.error && <ProblemAlert error={report.error} onRetry={() => void report.refetch()} />}
        {report.data === null && !running && (
          <EmptyState icon={HeartPulse} title={t("health.never.title")} text={t("health.never.text")}>
            {start}
          </EmptyState>
        )}
        {report.data && <Report answer={report.data} />}
      </Stack>
    </>
  );
}

/** Only where there is a choice. */
function PackChoice({ value, onChange }: { value: string | null; onChange: (pack: string | null) => void }) {
  const { t } = useTranslation();
  const packs = useQuery(packsQuery);
  const ready = (packs.data ?? []).filter((pack) => pack.state === "ready");
  if (ready.length < 2) return null;
  return (
    <Select
      aria-label={t("health.pack")}
      data={[
        { value: "", label: t("health.packDefault") },
        ...ready.map((pack) => ({
          value: `${pack.name}@${pack.version}`,
          label: `${pack.name}@${pack.version}`,
        })),
      ]}
      value={value ?? ""}
      onChange={(pack) => onChange(pack || null)}
      allowDeselect={false}
      w={220}
    />
  );
}

function Report({ answer }: { answer: HealthAnswer }) {
  const { t } = useTranslation();
  const format = useFormat();
  const [withDismissed, setWithDismissed] = useState(false);
  const all = useQuery({ ...healthQuery(true), enabled: withDismissed });
  const { report, dismissed, outdated } = answer;
  const standing = new Set(report.findings.map((finding) => finding.finding_id));
  const findings = (withDismissed && all.data ? all.data.report : report).findings;
  const groups = groupsOf(findings);
  return (
    <Stack gap="xl">
      <Stack gap={6}>
        <Group gap="xs" c="dimmed" fz="sm">
          <span>{t("health.checked", { time: format.dateTime(answer.checked_at) })}</span>
          <span>·</span>
          <span>
            {t("health.scope", { count: report.people })}, {t("health.photos", { count: report.images })}
          </span>
          <span>·</span>
          <span className="tabular">
            {t("health.by", {
              pack: `${report.pack}@${report.pack_version}`,
              threshold: format.figure(report.threshold),
            })}
          </span>
        </Group>
        {report.compared_people < report.people && (
          <Text size="sm">
            {t("health.partly", {
              compared: format.number(report.compared_people),
              people: format.number(report.people),
            })}
          </Text>
        )}
        {outdated > 0 && <Text size="sm">{t("health.outdated", { count: outdated })}</Text>}
        {(dismissed > 0 || withDismissed) && (
          <Switch
            label={t("health.showDismissed", { total: dismissed })}
            checked={withDismissed}
            onChange={(event) => setWithDismissed(event.currentTarget.checked)}
          />
        )}
      </Stack>
      {findings.length === 0 && (
        <EmptyState
          icon={ShieldCheck}
          color="jade"
          title={t("health.well.title")}
          text={t("health.well.text")}
        />
      )}
      {groups.map((group) => (
        <FindingGroup
          key={group.kind}
          group={group}
          total={report.counts[group.kind] ?? group.findings.length}
          pack={`${report.pack}@${report.pack_version}`}
          standing={standing}
        />
      ))}
    </Stack>
  );
}
