import { Button, Group, Loader, RingProgress, Stack, Text } from "@mantine/core";
import { Check, CircleStop } from "lucide-react";
import { useTranslation } from "react-i18next";
import { ProblemError } from "#/api/problem";
import classes from "#/enhance/enhance.module.css";
import type { EnhancementRun, RunState } from "#/enhance/run";
import { useIsLive } from "#/enhance/runs";
import { type Enhancement, isWorking, type Stage, stages } from "#/enhance/types";
import { useFormat } from "#/i18n/format";
import { LiveBadge } from "#/push/live-badge";
import { ProblemAlert } from "#/shell/problem";

/** A ring of how much is done, and the stages of the photo; of a batch, its photos are counted. */
export function RunProgress({ run, state }: { run: EnhancementRun; state: RunState }) {
  const { t } = useTranslation();
  const isLive = useIsLive();
  const enhancement = state.kind === "accepted" ? state.enhancement : null;
  const share = shareOf(state);
  return (
    <section className={`surface ${classes.panel}`} aria-label={t("enhance.progress.title")}>
      <Stack gap="md" align="center" data-testid="progress">
        <div
          role="progressbar"
          aria-label={t("enhance.progress.title")}
          aria-valuemin={0}
          aria-valuemax={100}
          {...(share !== null && { "aria-valuenow": Math.round(100 * share) })}
        >
          <RingProgress
            size={176}
            thickness={12}
            roundCaps
            sections={[{ value: 100 * (share ?? 0), color: "var(--brand)" }]}
            label={<RingLabel share={share} />}
          />
        </div>
        <Text fw={600} role="status" className="tabular" ta="center">
          <Headline state={state} />
        </Text>
        {enhancement && !run.isBatch && enhancement.status === "processing" && (
          <StageList stage={enhancement.photos[0]?.stage ?? null} />
        )}
        {enhancement && <Expected enhancement={enhancement} />}
        {state.kind === "accepted" && state.problem && (
          <ProblemAlert error={new ProblemError(state.problem)} />
        )}
        <Group justify="center">
          {state.kind === "sending" && (
            <Button
              size="xs"
              variant="default"
              leftSection={<CircleStop size={15} />}
              onClick={() => run.forget()}
            >
              {t("enhance.progress.stopUpload")}
            </Button>
          )}
          {enhancement && isWorking(enhancement) && state.kind === "accepted" && (
            <>
              <Button
                size="xs"
                variant="default"
                leftSection={<CircleStop size={15} />}
                loading={state.isCleaning}
                onClick={() => void run.clean()}
              >
                {t("enhance.progress.stop")}
              </Button>
              <LiveBadge isLive={isLive} />
            </>
          )}
        </Group>
      </Stack>
    </section>
  );
}

function RingLabel({ share }: { share: number | null }) {
  const format = useFormat();
  return (
    <Stack align="center" gap={0}>
      {share === null ? (
        <Loader size="md" />
      ) : (
        <Text size="xl" fw={650} className="tabular" aria-hidden>
          {format.percent(share)}
        </Text>
      )}
    </Stack>
  );
}

function Headline({ state }: { state: RunState }) {
  const { t } = useTranslation();
  const format = useFormat();
  if (state.kind === "sending") {
    const { sentBytes, totalBytes } = state;
    return t("enhance.progress.sending", { sent: format.bytes(sentBytes), total: format.bytes(totalBytes) });
  }
  if (state.kind !== "accepted") return t("enhance.progress.waiting");
  const { enhancement, fetching } = state;
  if (fetching.kind === "fetching") {
    const total = state.facts?.size_bytes ?? fetching.gotBytes;
    return t("enhance.progress.fetching", {
      got: format.bytes(fetching.gotBytes),
      total: format.bytes(total),
    });
  }
  if (enhancement.status === "pending") return t("enhance.progress.pending");
  if (!enhancement.is_batch) return t("enhance.progress.working");
  if (enhancement.total === null) return t("enhance.progress.unpacking");
  return t("enhance.progress.photos", {
    done: format.number(enhancement.done),
    count: enhancement.total,
    total: format.number(enhancement.total),
  });
}

function StageList({ stage }: { stage: Stage | null }) {
  const { t } = useTranslation();
  const current = stage ? stages.indexOf(stage) : -1;
  return (
    <ol className={classes.stages} aria-live="polite">
      {stages.map((one, index) => (
        <li
          key={one}
          data-state={stateOf(index, current)}
          {...(index === current && { "aria-current": "step" })}
        >
          {index < current ? <Check size={15} aria-hidden /> : <span className={classes.dot} aria-hidden />}
          {t(`enhance.stages.${one}`)}
        </li>
      ))}
    </ol>
  );
}

function stateOf(index: number, current: number): "done" | "current" | "ahead" {
  if (index < current) return "done";
  return index === current ? "current" : "ahead";
}

function Expected({ enhancement }: { enhancement: Enhancement }) {
  const { t } = useTranslation();
  const format = useFormat();
  if (enhancement.estimated_s === null) return null;
  return (
    <Text size="sm" c="dimmed" className="tabular" ta="center">
      {t("enhance.progress.expected", { time: format.seconds(enhancement.estimated_s) })}
    </Text>
  );
}

/** Null: it cannot be said. */
function shareOf(state: RunState): number | null {
  if (state.kind === "sending") return state.totalBytes > 0 ? state.sentBytes / state.totalBytes : 0;
  if (state.kind !== "accepted") return null;
  if (state.fetching.kind !== "fetching") return state.enhancement.progress;
  return state.facts ? Math.min(1, state.fetching.gotBytes / Math.max(1, state.facts.size_bytes)) : null;
}
