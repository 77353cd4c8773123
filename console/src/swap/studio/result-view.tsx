import { Button, Group, Loader, Stack, Text, Title } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { Download, FileX, Trash2 } from "lucide-react";
import { useTranslation } from "react-i18next";
import { problemOf } from "#/api/problem";
import { endingOf, mediaKind } from "#/media/kind";
import { MediaView } from "#/media/media-view";
import { useObjectUrl } from "#/photo/object-url";
import { ConfirmDialog } from "#/shell/confirm-dialog";
import { EmptyState } from "#/shell/empty-state";
import { ProblemAlert, toastDone } from "#/shell/problem";
import { LabelList } from "#/swap/label-list";
import { OutputFacts } from "#/swap/studio/output-facts";
import { resultQuery, useDeleteResult } from "#/swap/studio/queries";
import type { SwapOutput } from "#/swap/studio/result";
import classes from "#/swap/swap.module.css";

interface ResultViewProps {
  jobId: string;
  output: SwapOutput;
  target: File | null;
}

/** The labelled photo or video, beside what it was made of, and what its labels are. */
export function ResultView({ jobId, output, target }: ResultViewProps) {
  const { t } = useTranslation();
  const result = useQuery(resultQuery(jobId));
  const isGone = result.error !== null && [404, 410].includes(problemOf(result.error).status);
  return (
    <Stack gap="md">
      {result.isPending && <Loader size="sm" aria-label={t("swap.result.fetching")} />}
      {isGone && <EmptyState icon={FileX} title={t("swap.gone.result")} text={t("swap.gone.resultText")} />}
      {result.error && !isGone && <ProblemAlert error={result.error} onRetry={() => void result.refetch()} />}
      {result.data && (
        <>
          <div className={classes.pair}>
            {target && (
              <figure className={classes.figure}>
                <figcaption>{t("swap.result.before")}</figcaption>
                <MediaView
                  source={target}
                  kind={mediaKind(target) ?? "photo"}
                  label={t("swap.target.named", { name: target.name })}
                  testId="target"
                />
              </figure>
            )}
            <figure className={classes.figure}>
              {target && <figcaption>{t("swap.result.after")}</figcaption>}
              <MediaView
                source={result.data}
                kind={output.kind}
                label={t("swap.result.named")}
                testId="result"
              />
            </figure>
          </div>
          <Actions jobId={jobId} file={result.data} mediaType={output.mediaType} />
        </>
      )}
      <div className={classes.explained}>
        <section aria-labelledby="labels">
          <Title order={3} size="h6" mb="xs" id="labels">
            {t("swap.labels.title")}
          </Title>
          <LabelList labels={output.labels} />
        </section>
        <section aria-labelledby="output">
          <Title order={3} size="h6" mb="xs" id="output">
            {t("swap.facts.title")}
          </Title>
          <OutputFacts output={output} />
        </section>
      </div>
    </Stack>
  );
}

function Actions({ jobId, file, mediaType }: { jobId: string; file: Blob; mediaType: string }) {
  const { t } = useTranslation();
  const url = useObjectUrl(file);
  const [deleting, confirm] = useDisclosure(false);
  const remove = useDeleteResult(jobId);
  return (
    <Group gap="xs">
      {url && (
        <Button
          component="a"
          href={url}
          download={`swap-${jobId}.${endingOf(mediaType)}`}
          leftSection={<Download size={16} />}
        >
          {t("swap.result.download")}
        </Button>
      )}
      <Button variant="default" leftSection={<Trash2 size={16} />} onClick={confirm.open}>
        {t("swap.result.delete")}
      </Button>
      <Text size="sm" c="dimmed" flex="1 1 220px">
        {t("swap.result.noCopy")}
      </Text>
      <ConfirmDialog
        opened={deleting}
        title={t("swap.result.deleteTitle")}
        text={t("swap.result.deleteText")}
        confirm={t("swap.result.delete")}
        busy={remove.isPending}
        onClose={confirm.close}
        onConfirm={() =>
          remove.mutate(undefined, {
            onSuccess: () => {
              toastDone(t("swap.result.deleted"));
              confirm.close();
            },
          })
        }
      />
    </Group>
  );
}
