import { Badge, Button, Center, Group, Skeleton, Text, Title } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Download } from "lucide-react";
import { useCallback, useState } from "react";
import { useTranslation } from "react-i18next";
import { Allowed } from "#/account/allowed";
import type { CataloguedPack, Job } from "#/api/types";
import { useFormat } from "#/i18n/format";
import { JobProgress } from "#/jobs/job-progress";
import { hasEnded, useJobEnd, useRecentJobs } from "#/jobs/queries";
import { labelOf } from "#/packs/labels";
import { LicenceText } from "#/packs/pack-facts";
import classes from "#/packs/packs.module.css";
import { PullDialog } from "#/packs/pull-dialog";
import { availableQuery, PULL_KIND, packsChanged } from "#/packs/queries";
import { ProblemAlert } from "#/shell/problem";

/** The catalogue. */
export function AvailablePacks() {
  const { t } = useTranslation();
  const available = useQuery(availableQuery);
  const pulls = useRecentJobs(PULL_KIND);
  const [all, setAll] = useState(false);
  const jobs = pulls.data ?? [];
  const catalogue = available.data ?? [];
  const jobOf = (pack: CataloguedPack) => jobs.find((job) => job.parameters.pack === labelOf(pack)) ?? null;
  // Only these recognise faces; one that is on its way is shown, whatever it does.
  const shown = catalogue.filter((pack) => all || pack.family === "face" || jobOf(pack) !== null);
  return (
    <section aria-label={t("packs.available.title")}>
      <Title order={2} size="h4">
        {t("packs.available.title")}
      </Title>
      <Text c="dimmed" size="sm" mb="sm">
        {t("packs.available.text")}
      </Text>
      {available.isPending && <Skeleton height={200} radius="lg" />}
      {available.error && <ProblemAlert error={available.error} onRetry={() => void available.refetch()} />}
      {available.data?.length === 0 && <Text size="sm">{t("packs.available.none")}</Text>}
      {shown.length > 0 && (
        <div className="surface">
          {shown.map((pack) => (
            <Row key={labelOf(pack)} pack={pack} job={jobOf(pack)} />
          ))}
        </div>
      )}
      {shown.length < catalogue.length && (
        <Center pt="md">
          <Button variant="default" onClick={() => setAll(true)}>
            {t("packs.available.showAll", { count: catalogue.length })}
          </Button>
        </Center>
      )}
    </section>
  );
}

function Row({ pack, job }: { pack: CataloguedPack; job: Job | null }) {
  const { t } = useTranslation();
  const format = useFormat();
  const client = useQueryClient();
  const [asked, setAsked] = useState(false);
  const refresh = useCallback(() => packsChanged(client), [client]);
  useJobEnd(job, refresh);
  const running = job !== null && !hasEnded(job);
  const size = pack.size_bytes === null ? t("packs.available.sizeUnknown") : format.bytes(pack.size_bytes);
  return (
    <article className={classes.available} data-testid="available-pack">
      <div>
        <Group gap={8}>
          <Title order={3} size="h5">
            {pack.name}
            <Text span c="dimmed" fw={400}>
              @{pack.version}
            </Text>
          </Title>
          <Badge variant="default">
            {t(`packs.available.families.${pack.family}` as "packs.available.families.face", {
              defaultValue: pack.family,
            })}
          </Badge>
          <Text size="sm" c="dimmed" className="tabular">
            {size}
          </Text>
        </Group>
        <Text size="sm">{pack.summary}</Text>
        <LicenceText licence={pack.licence} />
        {pack.detail && !pack.installed && (
          <Text size="sm" c="var(--unknown)">
            {pack.detail}
          </Text>
        )}
      </div>
      {pack.installed ? (
        <Badge variant="light" color="jade">
          {t("packs.available.installed")}
        </Badge>
      ) : (
        <Allowed scope="models:manage">
          <Button
            size="xs"
            variant="default"
            leftSection={<Download size={15} />}
            disabled={!pack.installable || running}
            aria-label={t("packs.available.getNamed", { pack: labelOf(pack) })}
            onClick={() => setAsked(true)}
            style={{ justifySelf: "start" }}
          >
            {t("packs.available.get")}
          </Button>
        </Allowed>
      )}
      {job && !pack.installed && job.status !== "completed" && (
        <div className={classes.wide}>
          <JobProgress jobId={job.job_id} onEnd={refresh} />
        </div>
      )}
      {asked && <PullDialog pack={pack} onClose={() => setAsked(false)} />}
    </article>
  );
}
