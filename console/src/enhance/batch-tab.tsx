import { Alert, Button, Group, Stack, Text } from "@mantine/core";
import { RefreshCw, Sparkles, TriangleAlert } from "lucide-react";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { BatchInput } from "#/enhance/batch-input";
import { BatchResult } from "#/enhance/batch-result";
import classes from "#/enhance/enhance.module.css";
import { EstimatePanel } from "#/enhance/estimate-panel";
import { defaultOptions, isTooLarge, type Options } from "#/enhance/options";
import { OptionsForm } from "#/enhance/options-form";
import { PhotoList } from "#/enhance/photo-list";
import { Refusal } from "#/enhance/refusal";
import { RunProgress } from "#/enhance/run-progress";
import { batchRun, useRun } from "#/enhance/runs";
import { archiveOf, type Selection, type SelectionProblem, sizeOf } from "#/enhance/selection";
import { type Engines, isWorking } from "#/enhance/types";
import { useFormat } from "#/i18n/format";
import { newPhoto } from "#/search/queries";
import { toastProblem } from "#/shell/problem";

/** Many photos at once: one archive to the server and one back. */
export function BatchTab({ engines }: { engines: Engines }) {
  const { t } = useTranslation();
  const state = useRun(batchRun);
  const [selection, setSelection] = useState<Selection | null>(null);
  const [problem, setProblem] = useState<SelectionProblem | null>(null);
  const [options, setOptions] = useState<Options>(batchRun.options ?? defaultOptions);
  const choose = (chosen: Selection | SelectionProblem) => {
    setProblem(typeof chosen === "string" ? chosen : null);
    if (typeof chosen !== "string") setSelection(chosen);
  };
  const again = () => {
    setSelection(null);
    void batchRun.discard();
  };
  if (state.kind === "accepted" && !isWorking(state.enhancement))
    return <BatchResult state={state} onAgain={again} />;
  if (state.kind !== "empty" && state.kind !== "refused") {
    return (
      <div className={classes.layout}>
        {state.kind === "accepted" && state.enhancement.photos.length > 0 ? (
          <PhotoList enhancement={state.enhancement} />
        ) : (
          <Text c="dimmed" style={{ overflowWrap: "anywhere" }}>
            {batchRun.file?.name}
          </Text>
        )}
        <div className={classes.column}>
          <RunProgress run={batchRun} state={state} />
        </div>
      </div>
    );
  }
  const start = async () => {
    if (!selection) return;
    try {
      await batchRun.start(await archiveOf(selection, t("enhance.batch.archiveName")), options);
    } catch (error) {
      // A file that was moved or changed since it was chosen cannot be read.
      toastProblem(error);
    }
  };
  return (
    <Stack>
      {state.kind === "refused" && (
        <Refusal
          problem={state.problem}
          retryAt={state.retryAt}
          onRetry={selection ? () => void start() : undefined}
        />
      )}
      {problem && (
        <Alert color="ochre" icon={<TriangleAlert size={20} />} role="alert">
          {t(`enhance.batch.${problem}`)}
        </Alert>
      )}
      {selection ? (
        <div className={classes.layout}>
          <Chosen selection={selection} onForget={again} />
          <Settings
            key={selection.kind}
            selection={selection}
            options={options}
            onOptions={setOptions}
            engines={engines}
            onStart={() => void start()}
          />
        </div>
      ) : (
        <BatchInput engines={engines} onChosen={choose} />
      )}
    </Stack>
  );
}

function Chosen({ selection, onForget }: { selection: Selection; onForget: () => void }) {
  const { t } = useTranslation();
  const format = useFormat();
  const names =
    selection.kind === "archive" ? [{ path: selection.file.name, file: selection.file }] : selection.photos;
  return (
    <section className="surface" data-testid="chosen">
      <Group justify="space-between" px={20} py={14} wrap="nowrap">
        <Text fw={600} className="tabular">
          {selection.kind === "archive"
            ? t("enhance.batch.oneArchive", { size: format.bytes(sizeOf(selection)) })
            : t("enhance.batch.photos", {
                count: selection.photos.length,
                size: format.bytes(sizeOf(selection)),
              })}
          {selection.kind === "photos" &&
            selection.leftOut > 0 &&
            ` · ${t("enhance.batch.leftOut", { count: selection.leftOut })}`}
        </Text>
        <Button
          size="compact-sm"
          variant="subtle"
          flex="none"
          leftSection={<RefreshCw size={14} />}
          onClick={onForget}
        >
          {t("enhance.batch.others")}
        </Button>
      </Group>
      <ul className={classes.list}>
        {names.map(({ path, file }) => (
          <li key={path} className={classes.item}>
            <div className={classes.itemHead}>
              <Text size="sm" className="truncate" title={path} flex={1}>
                {path}
              </Text>
              <Text size="xs" c="dimmed" className="tabular" flex="none">
                {format.bytes(file.size)}
              </Text>
            </div>
          </li>
        ))}
      </ul>
    </section>
  );
}

interface SettingsProps {
  selection: Selection;
  options: Options;
  onOptions: (options: Options) => void;
  engines: Engines;
  onStart: () => void;
}

function Settings({ selection, options, onOptions, engines, onStart }: SettingsProps) {
  const { t } = useTranslation();
  const format = useFormat();
  const isRefused = isTooLarge(sizeOf(selection), engines.max_archive_bytes);
  const first = useMemo(() => {
    const file = selection.kind === "photos" ? selection.photos[0]?.file : undefined;
    return file && newPhoto(file);
  }, [selection]);
  return (
    <section className={`surface ${classes.panel}`}>
      <OptionsForm value={options} onChange={onOptions} engines={engines} />
      {first && selection.kind === "photos" && (
        <EstimatePanel
          photo={first}
          options={options}
          onLevel={(level) => onOptions({ ...options, level })}
          count={selection.photos.length}
        />
      )}
      {!first && (
        <Text size="sm" c="dimmed">
          {t("enhance.batch.estimateLater")}
        </Text>
      )}
      {isRefused && (
        <Text size="sm" c="var(--mantine-color-error)" role="alert">
          {t("enhance.tooLarge", {
            size: format.bytes(sizeOf(selection)),
            most: format.bytes(engines.max_archive_bytes),
          })}
        </Text>
      )}
      <Button size="md" leftSection={<Sparkles size={18} />} disabled={isRefused} onClick={onStart}>
        {t("enhance.start")}
      </Button>
      <Text size="xs" c="dimmed">
        {t("enhance.nothingKept")}
      </Text>
    </section>
  );
}
