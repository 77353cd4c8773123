import { Alert, Button, Group, Text } from "@mantine/core";
import { Download, ImagePlus, RotateCcw, SlidersHorizontal, Trash2, TriangleAlert } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { EndedProblem } from "#/enhance/ended-problem";
import classes from "#/enhance/enhance.module.css";
import { FaceList } from "#/enhance/face-list";
import { Proof } from "#/enhance/proof";
import { ReportView } from "#/enhance/report-view";
import type { Accepted } from "#/enhance/run";
import { photoRun } from "#/enhance/runs";
import { save } from "#/enhance/saving";
import { useFormat } from "#/i18n/format";
import { BeforeAfter } from "#/photo/before-after";
import { useObjectUrl } from "#/photo/object-url";
import { PhotoStage } from "#/photo/photo-stage";
import { ConfirmDialog } from "#/shell/confirm-dialog";

interface PhotoResultProps {
  state: Accepted;
  /** Another photo. */
  onAgain: () => void;
  /** The same photo, otherwise. */
  onOptions: () => void;
}

/** Before and after, what it brought, and that the server has nothing of it any more. */
export function PhotoResult({ state, onAgain, onOptions }: PhotoResultProps) {
  const before = useObjectUrl(photoRun.file);
  const after = useObjectUrl(state.fetching.kind === "here" ? state.fetching.blob : null);
  const report = state.enhancement.photos[0]?.report ?? null;
  return (
    <div className={classes.layout}>
      <div className={classes.column}>
        {after && report ? (
          <BeforeAfter
            before={before}
            after={after}
            size={{ width: report.width_after, height: report.height_after }}
          />
        ) : (
          <PhotoStage src={before} alt={photoRun.file?.name ?? ""} />
        )}
        {report && after && (
          <div className={classes.last}>
            <FaceList report={report} before={before} after={after} />
          </div>
        )}
      </div>
      <div className={classes.column}>
        <Actions state={state} onAgain={onAgain} onOptions={onOptions} />
        <EndedProblem state={state} onRetry={onOptions} />
        <Proof run={photoRun} state={state} />
        {report && <ReportView report={report} />}
      </div>
    </div>
  );
}

function Actions({ state, onAgain, onOptions }: PhotoResultProps) {
  const { t } = useTranslation();
  const format = useFormat();
  const [leaving, setLeaving] = useState<(() => void) | null>(null);
  const { fetching } = state;
  // What is not saved is nowhere else.
  const leaveBy = (action: () => void) => (photoRun.isUnsaved ? setLeaving(() => action) : action());
  return (
    <section className={`surface ${classes.panel}`}>
      {fetching.kind === "here" && (
        <>
          <Button
            size="md"
            variant={fetching.isSaved ? "default" : "filled"}
            leftSection={<Download size={18} />}
            onClick={() => save(photoRun)}
          >
            {t(fetching.isSaved ? "enhance.saveAgain" : "enhance.save", {
              size: format.bytes(fetching.blob.size),
            })}
          </Button>
          <Text size="sm" c="dimmed" role="status">
            {t(fetching.isSaved ? "enhance.saved" : "enhance.notSaved")}
          </Text>
        </>
      )}
      {fetching.kind === "failed" && state.enhancement.status === "completed" && (
        <Alert
          color="cinnabar"
          icon={<TriangleAlert size={20} />}
          title={t("enhance.fetchFailed.title")}
          role="alert"
        >
          <Text size="sm">{t("enhance.fetchFailed.text")}</Text>
          <Button
            mt="sm"
            size="xs"
            variant="default"
            leftSection={<RotateCcw size={14} />}
            onClick={() => void photoRun.fetchResult()}
          >
            {t("problem.retry")}
          </Button>
          <Button
            mt="sm"
            ml="xs"
            size="xs"
            variant="default"
            leftSection={<Trash2 size={14} />}
            loading={state.isCleaning}
            onClick={() => void photoRun.clean()}
          >
            {t("enhance.batch.clean")}
          </Button>
        </Alert>
      )}
      <Group gap="xs" grow preventGrowOverflow={false}>
        <Button variant="default" leftSection={<ImagePlus size={16} />} onClick={() => leaveBy(onAgain)}>
          {t("photo.replace")}
        </Button>
        <Button
          variant="default"
          leftSection={<SlidersHorizontal size={16} />}
          onClick={() => leaveBy(onOptions)}
        >
          {t("enhance.otherwise")}
        </Button>
      </Group>
      <ConfirmDialog
        opened={leaving !== null}
        title={t("enhance.leave.title")}
        text={t("enhance.leave.text")}
        confirm={t("enhance.leave.confirm")}
        busy={false}
        onConfirm={() => {
          setLeaving(null);
          leaving?.();
        }}
        onClose={() => setLeaving(null)}
      />
    </section>
  );
}
