import { ActionIcon, Button, Group, Progress, Text, Tooltip } from "@mantine/core";
import { Check, RotateCcw, TriangleAlert, X } from "lucide-react";
import { useEffect, useSyncExternalStore } from "react";
import { useTranslation } from "react-i18next";
import { useFormat } from "#/i18n/format";
import classes from "#/images/images.module.css";
import type { QueuedUpload } from "#/images/upload-queue";
import { uploads } from "#/images/uploads";
import { problemHint, problemTitle } from "#/shell/problem";

/** The pictures on their way, each with how far it is, and those that were refused with the reason. */
export function UploadList() {
  const { t } = useTranslation();
  const queued = useSyncExternalStore(uploads.subscribe, () => uploads.uploads);
  useLeaveWarning(uploads.isBusy);
  if (queued.length === 0) return null;
  const arrived = queued.filter(({ state }) => state.kind === "done").length;
  return (
    <section className={`surface ${classes.uploads}`} aria-label={t("images.uploads.title")}>
      <Text fw={600} size="sm" role="status" className="tabular">
        {t("images.uploads.arrived", { done: arrived, count: queued.length })}
      </Text>
      <ul className={classes.uploadList}>
        {queued.map((upload) => (
          <UploadRow key={upload.key} upload={upload} />
        ))}
      </ul>
    </section>
  );
}

function UploadRow({ upload: { key, file, state } }: { upload: QueuedUpload }) {
  const { t } = useTranslation();
  const format = useFormat();
  const isOnTheWay = state.kind === "waiting" || state.kind === "sending";
  const removal = t(isOnTheWay ? "images.uploads.stop" : "images.uploads.forget", { name: file.name });
  return (
    <li data-testid="upload" data-state={state.kind}>
      <div className={classes.upload}>
        <Text size="sm" className="truncate" title={file.name} flex={1}>
          {file.name}
        </Text>
        <Text size="xs" c="dimmed" className="tabular" flex="none">
          {format.bytes(file.size)}
        </Text>
        {state.kind === "done" && (
          <Check size={16} role="img" aria-label={t("images.uploads.done")} color="var(--match)" />
        )}
        {state.kind !== "done" && (
          <Tooltip label={removal}>
            <ActionIcon size={24} color="gray" aria-label={removal} onClick={() => uploads.remove(key)}>
              <X size={15} />
            </ActionIcon>
          </Tooltip>
        )}
      </div>
      {isOnTheWay && (
        <Progress
          size={6}
          value={state.kind === "sending" ? shareOf(state) : 0}
          aria-label={t("images.uploads.progress", { name: file.name })}
        />
      )}
      {state.kind === "failed" && (
        <Group gap="xs" justify="space-between" role="alert">
          <Group gap={6} wrap="nowrap" align="flex-start" flex="1 1 220px">
            <TriangleAlert size={16} color="var(--mantine-color-error)" className={classes.failedIcon} />
            <Text size="sm" style={{ overflowWrap: "anywhere" }}>
              <b>{problemTitle(state.problem)}.</b> {problemHint(state.problem) || state.problem.detail}{" "}
              <code>{state.problem.code}</code>
            </Text>
          </Group>
          <Button
            size="compact-xs"
            variant="default"
            leftSection={<RotateCcw size={13} />}
            onClick={() => uploads.retry(key)}
          >
            {t("problem.retry")}
          </Button>
        </Group>
      )}
    </li>
  );
}

function shareOf({ sentBytes, totalBytes }: { sentBytes: number; totalBytes: number }): number {
  return totalBytes > 0 ? (100 * sentBytes) / totalBytes : 0;
}

/** A closed tab would cut the uploads off. */
function useLeaveWarning(isBusy: boolean) {
  useEffect(() => {
    if (!isBusy) return;
    const ask = (event: BeforeUnloadEvent) => event.preventDefault();
    window.addEventListener("beforeunload", ask);
    return () => window.removeEventListener("beforeunload", ask);
  }, [isBusy]);
}
