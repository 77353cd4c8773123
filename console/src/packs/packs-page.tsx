import { Stack } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { useMay } from "#/account/session";
import { packsQuery } from "#/api/queries";
import { hasEnded, useRecentJobs } from "#/jobs/queries";
import { AvailablePacks } from "#/packs/available-packs";
import { jobOf, labelOf } from "#/packs/labels";
import { PackPanel, PackSkeleton } from "#/packs/pack-panel";
import classes from "#/packs/packs.module.css";
import { REEMBED_KIND, shadowQuery } from "#/packs/queries";
import { ShadowPanel } from "#/packs/shadow-panel";
import { PageHeader } from "#/shell/page-header";
import { ProblemAlert } from "#/shell/problem";

/** Coverage grows while a job runs; otherwise it changes as people are enrolled. */
const RUNNING_POLL_MS = 1500;
const POLL_MS = 15_000;

export function PacksPage() {
  const { t } = useTranslation();
  const jobs = useRecentJobs(REEMBED_KIND);
  const running = (jobs.data ?? []).some((job) => !hasEnded(job));
  const packs = useQuery({
    ...packsQuery,
    refetchOnMount: "always",
    refetchInterval: running ? RUNNING_POLL_MS : POLL_MS,
  });
  const shadow = useQuery({ ...shadowQuery, enabled: useMay("gallery:manage") });
  const defaultPack = packs.data?.find((pack) => pack.is_default);
  const active = defaultPack ? labelOf(defaultPack) : "";
  const shadowed = shadow.data ? labelOf({ name: shadow.data.pack, version: shadow.data.pack_version }) : "";
  return (
    <>
      <PageHeader title={t("packs.title")} intro={t("packs.intro")} />
      <Stack gap="xl">
        {packs.isPending && <PackSkeleton />}
        {packs.error && <ProblemAlert error={packs.error} onRetry={() => void packs.refetch()} />}
        {shadow.error && <ProblemAlert error={shadow.error} onRetry={() => void shadow.refetch()} />}
        {shadow.data && <ShadowPanel shadow={shadow.data} active={active} />}
        <div className={classes.list}>
          {[...(packs.data ?? [])]
            .sort((one, other) => Number(other.is_default) - Number(one.is_default))
            .map((pack) => (
              <PackPanel
                key={labelOf(pack)}
                pack={pack}
                active={active}
                isShadow={labelOf(pack) === shadowed}
                job={jobOf(jobs.data ?? [], pack)}
              />
            ))}
        </div>
        <AvailablePacks />
      </Stack>
    </>
  );
}
