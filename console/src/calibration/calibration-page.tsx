import { Alert, Button, Select, Skeleton, Stack } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { SlidersHorizontal, UsersRound } from "lucide-react";
import { useCallback, useState } from "react";
import { useTranslation } from "react-i18next";
import { packsQuery } from "#/api/queries";
import type { Pack } from "#/api/types";
import classes from "#/calibration/calibration.module.css";
import { CALIBRATE_KIND, calibrationQuery, useCalibrate } from "#/calibration/queries";
import { rateWishes, searchWishes, type Wish } from "#/calibration/rates";
import { Report } from "#/calibration/report";
import { useFormat } from "#/i18n/format";
import { JobProgress } from "#/jobs/job-progress";
import { hasEnded, useJobEnd, useRecentJobs } from "#/jobs/queries";
import { jobOf, labelOf, usable } from "#/packs/labels";
import { EmptyState } from "#/shell/empty-state";
import { PageHeader } from "#/shell/page-header";
import { ProblemAlert, problemHint, problemTitle } from "#/shell/problem";

const route = getRouteApi("/calibration");
const DEFAULT_WISH: Wish = "rate:10000";

export function CalibrationPage() {
  const { t } = useTranslation();
  const { pack: named } = route.useSearch();
  const packs = useQuery({ ...packsQuery, refetchOnMount: "always" });
  const choices = usable(packs.data ?? []);
  const chosen =
    choices.find((pack) => labelOf(pack) === named) ?? choices.find((pack) => pack.is_default) ?? choices[0];
  return (
    <>
      <PageHeader title={t("calibration.title")} intro={t("calibration.intro")} />
      {packs.isPending && <Skeleton height={260} radius="lg" />}
      {packs.error && <ProblemAlert error={packs.error} onRetry={() => void packs.refetch()} />}
      {packs.data && !chosen && <Alert color="ochre">{t("calibration.noPack")}</Alert>}
      {chosen && <CalibrationOf key={labelOf(chosen)} pack={chosen} choices={choices} />}
    </>
  );
}

function CalibrationOf({ pack, choices }: { pack: Pack; choices: Pack[] }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const navigate = route.useNavigate();
  const [wish, setWish] = useState<Wish>(DEFAULT_WISH);
  const label = labelOf(pack);
  const calibrate = useCalibrate();
  const jobs = useRecentJobs(CALIBRATE_KIND);
  const report = useQuery(calibrationQuery(label));
  const job = jobOf(jobs.data ?? [], pack);
  const running = job !== null && !hasEnded(job);
  const shown = job !== null && job.status !== "completed" ? job : null;
  const tooSmall = calibrate.data?.tooSmall ?? null;
  const refresh = useCallback(() => {
    for (const key of ["calibration", "jobs", "packs"]) void client.invalidateQueries({ queryKey: [key] });
  }, [client]);
  useJobEnd(job, refresh);
  return (
    <Stack gap="xl">
      <form
        className={`surface ${classes.form}`}
        onSubmit={(event) => {
          event.preventDefault();
          calibrate.mutate({ pack: label, wish });
        }}
      >
        <Select
          label={t("calibration.pack")}
          data={choices.map(labelOf)}
          value={label}
          onChange={(value) => value && void navigate({ search: { pack: value }, replace: true })}
          allowDeselect={false}
          w={220}
        />
        <WishChoice value={wish} onChange={setWish} />
        <Button type="submit" loading={calibrate.isPending} disabled={running}>
          {t(report.data ? "calibration.again" : "calibration.start")}
        </Button>
      </form>
      {shown && (
        <div className={`surface ${classes.panel}`}>
          <JobProgress jobId={shown.job_id} onEnd={refresh} />
        </div>
      )}
      {tooSmall && (
        <EmptyState icon={UsersRound} title={problemTitle(tooSmall)} text={problemHint(tooSmall)}>
          <Button renderRoot={(props) => <Link {...props} to="/gallery" />}>{t("calibration.tooFew")}</Button>
        </EmptyState>
      )}
      {report.isPending && <Skeleton height={260} radius="lg" />}
      {report.error && <ProblemAlert error={report.error} onRetry={() => void report.refetch()} />}
      {report.data === null && !shown && !tooSmall && (
        <EmptyState
          icon={SlidersHorizontal}
          title={t("calibration.never.title")}
          text={t("calibration.never.text")}
        />
      )}
      {report.data && <Report report={report.data} pack={pack} />}
    </Stack>
  );
}

function WishChoice({ value, onChange }: { value: Wish; onChange: (wish: Wish) => void }) {
  const { t } = useTranslation();
  const format = useFormat();
  const count = (wish: Wish) => format.number(Number(wish.split(":")[1]));
  return (
    <Select
      label={t("calibration.wish")}
      data={[
        {
          group: t("calibration.wishRates"),
          items: rateWishes.map((wish) => ({
            value: wish,
            label: t("calibration.oneIn", { n: count(wish) }),
          })),
        },
        {
          group: t("calibration.wishSearches"),
          items: searchWishes.map((wish) => ({
            value: wish,
            label: t("calibration.namesOneIn", { n: count(wish) }),
          })),
        },
      ]}
      value={value}
      onChange={(wish) => wish && onChange(wish as Wish)}
      allowDeselect={false}
      w={280}
    />
  );
}
