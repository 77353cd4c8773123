import { Alert, Button, Group, Progress, Stack, Text } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { CircleStop, TriangleAlert, Upload } from "lucide-react";
import { useEffect, useRef, useState, useSyncExternalStore } from "react";
import { useTranslation } from "react-i18next";
import { BulkInput } from "#/gallery/bulk/bulk-input";
import { BulkOptionsForm } from "#/gallery/bulk/bulk-options";
import { defaultOptions, type Options } from "#/gallery/bulk/options";
import { personsOf, type Selection, type SelectionProblem, sizeOf } from "#/gallery/bulk/selection";
import {
  forgetFailure,
  newUploadKey,
  onUpload,
  startUpload,
  stopUpload,
  type UploadState,
  uploadState,
} from "#/gallery/bulk/upload";
import { useFormat } from "#/i18n/format";
import { ProblemText, problemTitle } from "#/shell/problem";

const NAMES_SHOWN = 6;

/** Choose, set, send. What became of it is the job's to show. */
export function NewBulk() {
  const { t } = useTranslation();
  const client = useQueryClient();
  const sent = useSyncExternalStore(onUpload, uploadState);
  const [selection, setSelection] = useState<Selection | null>(null);
  const [refused, setRefused] = useState<SelectionProblem | null>(null);
  const [options, setOptions] = useState<Options>(defaultOptions);
  const key = useUploadKey(selection, options);
  const choose = (chosen: Selection | SelectionProblem) => {
    forgetFailure();
    setRefused(typeof chosen === "string" ? chosen : null);
    if (typeof chosen !== "string") setSelection(chosen);
  };
  const start = async () => {
    if (!selection) return;
    const job = await startUpload(selection, options, key);
    if (!job) return;
    // A dry run is mostly followed by the real one, with the same files.
    if (options.dryRun) setOptions({ ...options, dryRun: false });
    else setSelection(null);
    await client.invalidateQueries({ queryKey: ["jobs"] });
  };
  if (sent.kind === "sending") return <Sending state={sent} />;
  return (
    <Stack>
      {sent.kind === "failed" && (
        <Alert
          color="cinnabar"
          icon={<TriangleAlert size={20} />}
          title={`${t("bulk.failed")}: ${problemTitle(sent.problem)}`}
          role="alert"
          withCloseButton
          closeButtonLabel={t("shell.close")}
          onClose={forgetFailure}
        >
          <ProblemText problem={sent.problem} />
        </Alert>
      )}
      {refused && (
        <Alert color="ochre" icon={<TriangleAlert size={20} />} role="alert">
          {t(`bulk.${refused}`)}
        </Alert>
      )}
      {selection ? (
        <Stack className="surface" p="lg" gap="lg">
          <Chosen selection={selection} onForget={() => setSelection(null)} />
          <BulkOptionsForm value={options} onChange={setOptions} />
          <Group justify="flex-end">
            <Button leftSection={<Upload size={18} />} onClick={() => void start()}>
              {t(options.dryRun ? "bulk.startDry" : "bulk.start")}
            </Button>
          </Group>
        </Stack>
      ) : (
        <BulkInput onChosen={choose} />
      )}
    </Stack>
  );
}

/** The same as long as the same files are sent with the same options. */
function useUploadKey(selection: Selection | null, options: Options): string {
  const last = useRef<{ selection: Selection | null; options: Options; key: string } | null>(null);
  if (last.current?.selection !== selection || last.current.options !== options)
    last.current = { selection, options, key: newUploadKey() };
  return last.current.key;
}

function Chosen({ selection, onForget }: { selection: Selection; onForget: () => void }) {
  const { t, i18n } = useTranslation();
  const format = useFormat();
  const size = format.bytes(sizeOf(selection));
  const persons = selection.kind === "photos" ? personsOf(selection.photos) : [];
  const parts =
    selection.kind === "archive"
      ? [t("bulk.chosen.archive", { name: selection.file.name }), size]
      : [
          t("bulk.chosen.photos", { count: selection.photos.length }) +
            (selection.manifest ? "" : ` ${t("bulk.chosen.persons", { count: persons.length })}`),
          size,
          selection.manifest && t("bulk.chosen.manifest", { name: selection.manifest.name }),
          selection.leftOut > 0 && t("bulk.chosen.leftOut", { count: selection.leftOut }),
        ].filter(Boolean);
  const named = selection.kind === "photos" && !selection.manifest;
  return (
    <Group justify="space-between" align="flex-start" wrap="nowrap">
      <Stack gap={2} miw={0} data-testid="chosen">
        <Text fw={600} style={{ overflowWrap: "anywhere" }}>
          {parts.join(" · ")}
        </Text>
        {named && (
          <Text size="sm" c="dimmed" style={{ overflowWrap: "anywhere" }}>
            {t("bulk.chosen.among", {
              names: new Intl.ListFormat(i18n.language, { style: "narrow" }).format(
                persons.slice(0, NAMES_SHOWN),
              ),
            })}
            {persons.length > NAMES_SHOWN && " …"}
          </Text>
        )}
      </Stack>
      <Button variant="subtle" size="compact-sm" onClick={onForget} flex="none">
        {t("bulk.chosen.forget")}
      </Button>
    </Group>
  );
}

function Sending({ state }: { state: Extract<UploadState, { kind: "sending" }> }) {
  const { t } = useTranslation();
  const format = useFormat();
  useLeaveWarning();
  const { sentBytes, totalBytes } = state;
  const label = t("bulk.uploading", { sent: format.bytes(sentBytes), total: format.bytes(totalBytes) });
  return (
    <Stack className="surface" p="lg" gap="sm">
      <Group justify="space-between">
        <Text fw={600} className="tabular" role="status">
          {label}
        </Text>
        <Button size="xs" variant="default" leftSection={<CircleStop size={15} />} onClick={stopUpload}>
          {t("bulk.stop")}
        </Button>
      </Group>
      <Progress
        value={totalBytes > 0 ? (100 * sentBytes) / totalBytes : 0}
        animated
        aria-label={t("jobs.progress")}
      />
      <Text size="sm" c="dimmed">
        {t("bulk.stays")}
      </Text>
    </Stack>
  );
}

/** A closed tab would cut the upload off. */
function useLeaveWarning() {
  useEffect(() => {
    const ask = (event: BeforeUnloadEvent) => event.preventDefault();
    window.addEventListener("beforeunload", ask);
    return () => window.removeEventListener("beforeunload", ask);
  }, []);
}
