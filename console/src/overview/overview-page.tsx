import { Alert, Button, Group, Skeleton, Stack, Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { ScanFace } from "lucide-react";
import { useTranslation } from "react-i18next";
import { useMay } from "#/account/session";
import { statusQuery } from "#/api/queries";
import type { Status } from "#/api/types";
import { useFormat } from "#/i18n/format";
import { LiveCharts } from "#/overview/live-charts";
import classes from "#/overview/overview.module.css";
import { PackCard } from "#/overview/pack-card";
import { EmptyState } from "#/shell/empty-state";
import { PageHeader } from "#/shell/page-header";
import { ProblemAlert } from "#/shell/problem";

export function OverviewPage() {
  const { t } = useTranslation();
  const format = useFormat();
  const status = useQuery(statusQuery);
  const intro =
    status.data &&
    t("overview.intro", { version: status.data.version, uptime: format.duration(status.data.uptime_s) });
  return (
    <>
      <PageHeader title={t("overview.title")} intro={intro} />
      {status.isPending && <Skeleton height={320} radius="lg" />}
      {status.error && <ProblemAlert error={status.error} onRetry={() => void status.refetch()} />}
      {status.data && <Figures status={status.data} />}
    </>
  );
}

function Figures({ status }: { status: Status }) {
  const { t } = useTranslation();
  const format = useFormat();
  const { gallery, index_reason, queue, runtime, packs, machine, disk, gpus, versions } = status;
  const mayEnrol = useMay("gallery:enrol");
  const mayManagePacks = useMay("models:manage");
  const ready = packs.some((pack) => pack.state === "ready");
  return (
    <Stack gap="xl">
      {!ready && <Alert color="ochre">{t("overview.noPack")}</Alert>}
      <div className={classes.stats}>
        {(["persons", "images", "embeddings"] as const).map((name) => (
          <Link key={name} to="/gallery" className={`surface ${classes.stat}`}>
            <div className={`${classes.value} tabular`} data-testid={`stat-${name}`}>
              {format.number(gallery[name])}
            </div>
            <Text c="dimmed" size="sm">
              {t(`overview.${name}`)}
            </Text>
          </Link>
        ))}
      </div>
      <LiveCharts />
      {gallery.persons === 0 && ready && mayEnrol && (
        <EmptyState icon={ScanFace} title={t("overview.start.title")} text={t("overview.start.text")}>
          <Group>
            <Button component={Link} to="/gallery">
              {t("overview.start.enrol")}
            </Button>
            <Button component={Link} to="/search" variant="default">
              {t("overview.start.search")}
            </Button>
          </Group>
        </EmptyState>
      )}
      <section>
        <Group justify="space-between" align="flex-end" mb="sm">
          <div>
            <Title order={2} size="h4">
              {t("overview.packs")}
            </Title>
            <Text c="dimmed" size="sm">
              {t("overview.packsText")}
            </Text>
          </div>
          <Button component={Link} to="/packs" size="xs" variant="default">
            {t(mayManagePacks ? "overview.managePacks" : "overview.seePacks")}
          </Button>
        </Group>
        <div className={classes.packs}>
          {packs.map((pack) => (
            <PackCard key={`${pack.name}@${pack.version}`} pack={pack} />
          ))}
        </div>
      </section>
      <section>
        <Title order={2} size="h4" mb="sm">
          {t("overview.runtime")}
        </Title>
        <dl className={`surface ${classes.facts}`}>
          <dt>{t("overview.provider")}</dt>
          <dd>
            {runtime.provider}
            <Text size="sm" c="dimmed">
              {runtime.reason}
            </Text>
            {runtime.cpu_reason && (
              <Text size="sm" c="dimmed">
                {runtime.cpu_reason}
              </Text>
            )}
          </dd>
          <dt>{t("overview.index")}</dt>
          <dd>{index_reason}</dd>
          <dt>{t("overview.threads")}</dt>
          <dd className="tabular">{runtime.threads}</dd>
          <dt>{t("overview.queue")}</dt>
          <dd className="tabular">{t("overview.queueText", { ...queue })}</dd>
          <dt>{t("overview.workers")}</dt>
          <dd className="tabular">{queue.workers}</dd>
          <dt>{t("overview.machine")}</dt>
          <dd>
            {t("overview.machineText", {
              cores: format.number(machine.cores),
              memory: format.bytes(machine.memory_bytes),
              free: format.bytes(disk.free_bytes),
            })}
            {gpus.map((gpu) => (
              <Text key={gpu.index} size="sm" c="dimmed">
                {gpu.name}, {format.bytes(gpu.memory_bytes)}
              </Text>
            ))}
          </dd>
          <dt>{t("overview.versions")}</dt>
          <dd>{t("overview.versionsText", { ...versions })}</dd>
          <dt>{t("overview.home")}</dt>
          <dd>
            <code>{status.home}</code>
          </dd>
        </dl>
      </section>
    </Stack>
  );
}
