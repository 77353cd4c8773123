import { Button, Group, Stack, Text, Title } from "@mantine/core";
import { Download, Images, Trash2 } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { ProblemError } from "#/api/problem";
import { useSecondsLeft } from "#/enhance/countdown";
import { EndedProblem } from "#/enhance/ended-problem";
import classes from "#/enhance/enhance.module.css";
import { PhotoList } from "#/enhance/photo-list";
import { Proof } from "#/enhance/proof";
import type { Accepted } from "#/enhance/run";
import { RunProgress } from "#/enhance/run-progress";
import { batchRun } from "#/enhance/runs";
import { save } from "#/enhance/saving";
import { useFormat } from "#/i18n/format";
import { ConfirmDialog } from "#/shell/confirm-dialog";
import { ProblemAlert } from "#/shell/problem";

/** What became of each photo, the one download, and that the server has nothing of it any more. */
export function BatchResult({ state, onAgain }: { state: Accepted; onAgain: () => void }) {
  return (
    <div className={classes.layout}>
      <PhotoList enhancement={state.enhancement} />
      <div className={classes.column}>
        {state.fetching.kind === "fetching" ? (
          <RunProgress run={batchRun} state={state} />
        ) : (
          <BatchDownload state={state} onAgain={onAgain} />
        )}
        <EndedProblem state={state} onRetry={onAgain} />
        <Proof run={batchRun} state={state} />
      </div>
    </div>
  );
}

function BatchDownload({ state, onAgain }: { state: Accepted; onAgain: () => void }) {
  const { t } = useTranslation();
  const format = useFormat();
  const [leaving, setLeaving] = useState(false);
  const { enhancement, fetching, facts } = state;
  const failed = enhancement.photos.filter(({ status }) => status === "failed").length;
  const isHere = fetching.kind === "here";
  const canFetch = isHere || enhancement.status === "completed";
  const download = async () => {
    await batchRun.fetchResult();
    save(batchRun);
  };
  return (
    <section className={`surface ${classes.panel}`}>
      <Stack gap={2}>
        <Title order={2} size="h5" className="tabular" role="status">
          {t("enhance.batch.enhanced", { count: enhancement.done - failed })}
          {failed > 0 && ` · ${t("enhance.batch.failed", { count: failed })}`}
        </Title>
        {failed > 0 && canFetch && (
          <Text size="sm" c="dimmed">
            {t("enhance.batch.failedText")}
          </Text>
        )}
      </Stack>
      {canFetch && (
        <Button
          size="md"
          variant={isHere && fetching.isSaved ? "default" : "filled"}
          leftSection={<Download size={18} />}
          onClick={() => void download()}
        >
          {t(isHere ? "enhance.saveAgain" : "enhance.batch.download", {
            size: format.bytes(facts?.size_bytes ?? 0),
          })}
        </Button>
      )}
      {!isHere && canFetch && <Expiry state={state} />}
      {isHere && (
        <Text size="sm" c="dimmed">
          {t(fetching.isSaved ? "enhance.saved" : "enhance.notSaved")}
        </Text>
      )}
      {fetching.kind === "failed" && enhancement.status === "completed" && (
        <ProblemAlert error={new ProblemError(fetching.problem)} onRetry={() => void download()} />
      )}
      <Group gap="xs" grow preventGrowOverflow={false}>
        <Button
          variant="default"
          leftSection={<Images size={16} />}
          onClick={() => (batchRun.isUnsaved ? setLeaving(true) : onAgain())}
        >
          {t("enhance.batch.others")}
        </Button>
        {enhancement.status === "completed" && !isHere && (
          <Button
            variant="default"
            leftSection={<Trash2 size={16} />}
            loading={state.isCleaning}
            onClick={() => void batchRun.clean()}
          >
            {t("enhance.batch.clean")}
          </Button>
        )}
      </Group>
      <ConfirmDialog
        opened={leaving}
        title={t("enhance.leave.title")}
        text={t("enhance.leave.text")}
        confirm={t("enhance.leave.confirm")}
        busy={false}
        onConfirm={() => {
          setLeaving(false);
          onAgain();
        }}
        onClose={() => setLeaving(false)}
      />
    </section>
  );
}

function Expiry({ state }: { state: Accepted }) {
  const { t } = useTranslation();
  const format = useFormat();
  const leftS = useSecondsLeft(state.expiresAt);
  if (leftS === null) return null;
  return (
    <Text size="sm" c="dimmed" className="tabular" data-testid="expiry">
      {t("enhance.batch.once", { time: format.duration(leftS) })}
    </Text>
  );
}
