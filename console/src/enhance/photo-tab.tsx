import { Button, Group, Skeleton, Stack, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { RefreshCw, Sparkles } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useSecondsLeft } from "#/enhance/countdown";
import classes from "#/enhance/enhance.module.css";
import { EstimatePanel } from "#/enhance/estimate-panel";
import { defaultOptions, isTooLarge, type Options } from "#/enhance/options";
import { OptionsForm } from "#/enhance/options-form";
import { PhotoResult } from "#/enhance/photo-result";
import { estimateQuery } from "#/enhance/queries";
import { Refusal } from "#/enhance/refusal";
import { RunProgress } from "#/enhance/run-progress";
import { photoRun, useRun } from "#/enhance/runs";
import { type Engines, isWorking } from "#/enhance/types";
import { useFormat } from "#/i18n/format";
import { useObjectUrl } from "#/photo/object-url";
import { PhotoInput } from "#/photo/photo-input";
import { PhotoStage } from "#/photo/photo-stage";
import { newPhoto, type Photo } from "#/search/queries";

/** One photo: chosen, estimated, sent, looked at, saved. */
export function PhotoTab({ engines }: { engines: Engines }) {
  const state = useRun(photoRun);
  const [photo, setPhoto] = useState<Photo | null>(() => photoRun.file && newPhoto(photoRun.file));
  const [options, setOptions] = useState<Options>(photoRun.options ?? defaultOptions);
  const waitS = useSecondsLeft(state.kind === "refused" ? state.retryAt : null);
  const again = () => {
    setPhoto(null);
    void photoRun.discard();
  };
  if (state.kind === "accepted" && !isUnderWay(state.enhancement, state.fetching.kind)) {
    return (
      <PhotoResult
        state={state}
        onAgain={again}
        onOptions={() => {
          setPhoto(photoRun.file && newPhoto(photoRun.file));
          void photoRun.discard();
        }}
      />
    );
  }
  if (!photo) return <NewPhoto engines={engines} onPhoto={(file) => setPhoto(newPhoto(file))} />;
  const isRunning = state.kind !== "empty" && state.kind !== "refused";
  return (
    <div className={classes.layout}>
      <Stack gap="sm">
        <ChosenPhoto photo={photo} isWorking={isRunning} onReplace={isRunning ? null : again} />
      </Stack>
      <div className={classes.column}>
        {isRunning ? (
          <RunProgress run={photoRun} state={state} />
        ) : (
          <>
            {state.kind === "refused" && (
              <Refusal
                problem={state.problem}
                retryAt={state.retryAt}
                onRetry={() => void photoRun.start(photo.file, options)}
              />
            )}
            <Settings
              photo={photo}
              options={options}
              onOptions={setOptions}
              engines={engines}
              isWaiting={waitS !== null && waitS > 0}
            />
          </>
        )}
      </div>
    </div>
  );
}

/** Also while what is finished is being fetched: only then can it be looked at. */
function isUnderWay(enhancement: Parameters<typeof isWorking>[0], fetching: string): boolean {
  return isWorking(enhancement) || (enhancement.status === "completed" && fetching === "fetching");
}

function NewPhoto({ engines, onPhoto }: { engines: Engines; onPhoto: (file: File) => void }) {
  const { t } = useTranslation();
  const format = useFormat();
  const most = format.bytes(engines.max_upload_bytes);
  return (
    <PhotoInput
      wholePage
      minHeight={320}
      onPhotos={([file]) => file && onPhoto(file)}
      hint={`${t("photo.orPaste")} · ${t("enhance.formats", { size: most })}`}
    />
  );
}

interface ChosenPhotoProps {
  photo: Photo;
  isWorking: boolean;
  /** Null: not now. */
  onReplace: (() => void) | null;
}

function ChosenPhoto({ photo, isWorking: isRunning, onReplace }: ChosenPhotoProps) {
  const { t } = useTranslation();
  const format = useFormat();
  const src = useObjectUrl(photo.file);
  return (
    <>
      <Group justify="space-between" wrap="nowrap">
        <Text size="sm" c="dimmed" className="truncate" title={photo.file.name}>
          {photo.file.name} · {format.bytes(photo.file.size)}
        </Text>
        {onReplace && (
          <Button
            size="compact-sm"
            variant="subtle"
            flex="none"
            leftSection={<RefreshCw size={14} />}
            onClick={onReplace}
          >
            {t("photo.replace")}
          </Button>
        )}
      </Group>
      <div className={isRunning ? classes.working : undefined}>
        <PhotoStage src={src} alt={photo.file.name} />
      </div>
    </>
  );
}

interface SettingsProps {
  photo: Photo;
  options: Options;
  onOptions: (options: Options) => void;
  engines: Engines;
  /** The server asked for it. */
  isWaiting: boolean;
}

function Settings({ photo, options, onOptions, engines, isWaiting }: SettingsProps) {
  const { t } = useTranslation();
  const format = useFormat();
  const estimate = useQuery(estimateQuery(photo, options));
  const isRefused = isTooLarge(photo.file.size, engines.max_upload_bytes);
  return (
    <section className={`surface ${classes.panel}`}>
      <OptionsForm value={options} onChange={onOptions} engines={engines} />
      {isRefused ? (
        <Text size="sm" c="var(--mantine-color-error)" role="alert">
          {t("enhance.tooLarge", {
            size: format.bytes(photo.file.size),
            most: format.bytes(engines.max_upload_bytes),
          })}
        </Text>
      ) : (
        <EstimatePanel
          photo={photo}
          options={options}
          onLevel={(level) => onOptions({ ...options, level })}
        />
      )}
      <Button
        size="md"
        leftSection={<Sparkles size={18} />}
        disabled={isRefused || isWaiting || !estimate.data || estimate.isError}
        onClick={() => void photoRun.start(photo.file, options)}
      >
        {t("enhance.start")}
      </Button>
      <Text size="xs" c="dimmed">
        {t("enhance.nothingKept")}
      </Text>
    </section>
  );
}

export function TabSkeleton() {
  return (
    <div className={classes.layout} aria-busy="true">
      <Skeleton height={420} radius="lg" />
      <Skeleton height={420} radius="lg" />
    </div>
  );
}
