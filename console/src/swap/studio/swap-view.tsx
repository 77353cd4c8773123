import { Button, Group, Skeleton, Stack } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { FileQuestion, FileX, Undo2 } from "lucide-react";
import { useCallback } from "react";
import { useTranslation } from "react-i18next";
import { problemOf } from "#/api/problem";
import { JobState } from "#/jobs/job-progress";
import { hasEnded, useJob, useJobEnd } from "#/jobs/queries";
import { mediaKind } from "#/media/kind";
import { MediaView } from "#/media/media-view";
import { EmptyState } from "#/shell/empty-state";
import { ProblemAlert } from "#/shell/problem";
import { Panel } from "#/swap/panel";
import { isPreview, outputOf, targetOf } from "#/swap/studio/result";
import { ResultView } from "#/swap/studio/result-view";
import classes from "#/swap/swap.module.css";

interface SwapViewProps {
  jobId: string;
  /** What was sent for it, as long as the page has it. */
  target: File | null;
  onAnother: () => void;
}

/** One swap: how far it is, then what came of it. */
export function SwapView({ jobId, target, onAnother }: SwapViewProps) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const job = useJob(jobId);
  // A use of the consent was counted, or it was lost meanwhile.
  const refresh = useCallback(() => void client.invalidateQueries({ queryKey: ["consents"] }), [client]);
  useJobEnd(job.data ?? null, refresh);
  if (job.isPending) return <Skeleton height={340} radius="lg" className={classes.last} />;
  if (!job.data) {
    return (
      <div className={classes.last}>
        {problemOf(job.error).status === 404 ? (
          <EmptyState icon={FileQuestion} title={t("swap.gone.job")} text={t("swap.gone.jobText")}>
            <Another onClick={onAnother} />
          </EmptyState>
        ) : (
          <ProblemAlert error={job.error} onRetry={() => void job.refetch()} />
        )}
      </div>
    );
  }
  const output = outputOf(job.data);
  const name = targetOf(job.data);
  const title = t(isPreview(job.data) ? "swap.result.preview" : "swap.result.title");
  return (
    <Panel title={name ? `${title} · ${name}` : title} order={5}>
      <Stack gap="md">
        <Group justify="space-between" align="flex-start" gap="sm">
          <div style={{ flex: "1 1 260px" }}>
            {/* What is seen need not be told. */}
            {output ? null : <JobState job={job.data} />}
          </div>
          {hasEnded(job.data) && <Another onClick={onAnother} />}
        </Group>
        {output ? (
          <ResultView jobId={jobId} output={output} target={target} />
        ) : (
          target && (
            <MediaView
              source={target}
              kind={mediaKind(target) ?? "photo"}
              label={t("swap.target.named", { name: target.name })}
              testId="target"
            />
          )
        )}
        {job.data.is_withheld && (
          <EmptyState icon={FileX} title={t("swap.gone.withheld")} text={t("swap.gone.withheldText")} />
        )}
      </Stack>
    </Panel>
  );
}

function Another({ onClick }: { onClick: () => void }) {
  const { t } = useTranslation();
  return (
    <Button size="xs" variant="default" leftSection={<Undo2 size={14} />} onClick={onClick}>
      {t("swap.another")}
    </Button>
  );
}
