import { Badge, Button, Group, Skeleton, Stack, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { CircleStop, Video } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useFormat } from "#/i18n/format";
import { EmptyState } from "#/shell/empty-state";
import { ProblemAlert } from "#/shell/problem";
import type { Stream } from "#/streams/types";
import { isOver, liveSwapsQuery, useStopLive } from "#/swap/live/queries";
import { Panel } from "#/swap/panel";
import classes from "#/swap/swap.module.css";
import type { LiveSwap } from "#/swap/types";

const COLOURS: Record<LiveSwap["state"], string> = {
  waiting: "ochre",
  running: "jade",
  ended: "gray",
  failed: "cinnabar",
};
const AGAIN_MS = 2000;

/** One's own live swaps: those that run with their picture, then those that ended. */
export function LiveList({ streams }: { streams: Stream[] }) {
  const { t } = useTranslation();
  const list = useQuery(liveSwapsQuery);
  if (list.isPending) return <Skeleton height={320} radius="lg" className={classes.last} />;
  if (!list.data || list.data.length === 0) {
    return (
      <div className={classes.last}>
        {list.data ? (
          <EmptyState icon={Video} title={t("liveSwap.empty.title")} text={t("liveSwap.empty.text")} />
        ) : (
          <ProblemAlert error={list.error} onRetry={() => void list.refetch()} />
        )}
      </div>
    );
  }
  const nameOf = (live: LiveSwap) => {
    const stream = streams.find((one) => one.stream_id === live.stream_id);
    return stream ? stream.name || stream.source : live.stream_id;
  };
  const over = list.data.filter(isOver);
  return (
    <>
      {list.data
        .filter((live) => !isOver(live))
        .map((live) => (
          <Running key={live.live_id} live={live} name={nameOf(live)} />
        ))}
      {over.length > 0 && (
        <Panel title={t("liveSwap.over")} order={6}>
          <Stack gap="xs">
            {over.map((live) => (
              <Ended key={live.live_id} live={live} name={nameOf(live)} />
            ))}
          </Stack>
        </Panel>
      )}
    </>
  );
}

function Running({ live, name }: { live: LiveSwap; name: string }) {
  const { t } = useTranslation();
  const format = useFormat();
  const stop = useStopLive(live.live_id);
  // The address is signed anew with every answer; the picture that runs stays as it is until it breaks.
  const [feed, setFeed] = useState(live.feed_url);
  const [attempt, setAttempt] = useState(0);
  return (
    <Panel title={name} order={5}>
      <Stack gap="sm" data-testid="live-swap" data-state={live.state}>
        <img
          key={attempt}
          className={classes.feed}
          src={feed ?? undefined}
          alt={t("liveSwap.picture", { name })}
          data-testid="live-feed"
          onError={() => {
            setTimeout(() => {
              setFeed(live.feed_url);
              setAttempt((one) => one + 1);
            }, AGAIN_MS);
          }}
        />
        <Group justify="space-between" gap="sm">
          <Group gap="xs">
            <Badge variant="light" color={COLOURS[live.state]}>
              {t(`liveSwap.states.${live.state}`)}
            </Badge>
            <Text size="sm" c="dimmed" className="tabular">
              {t("liveSwap.figures", {
                engine: live.engine,
                fps: format.figure(live.fps, 1),
                frames: format.number(live.frames),
                withFace: format.number(live.frames_with_a_face),
              })}
            </Text>
            {live.virtual_camera && (
              <Badge variant="default">{t("liveSwap.onCamera", { device: live.virtual_camera })}</Badge>
            )}
          </Group>
          <Button
            color="cinnabar.7"
            leftSection={<CircleStop size={16} />}
            loading={stop.isPending}
            onClick={() => stop.mutate()}
          >
            {t("liveSwap.stop")}
          </Button>
        </Group>
        <Text size="sm" c="dimmed">
          {t("liveSwap.labels")}
        </Text>
      </Stack>
    </Panel>
  );
}

function Ended({ live, name }: { live: LiveSwap; name: string }) {
  const { t } = useTranslation();
  const format = useFormat();
  return (
    <Group justify="space-between" gap="xs" data-testid="ended-live-swap">
      <Text size="sm" fw={600} className="truncate">
        {name}
      </Text>
      <Group gap="xs">
        <Text size="sm" c="dimmed" className="tabular">
          {live.end_reason && t(`liveSwap.reasons.${live.end_reason}`)}
          {live.end_detail && ` · ${live.end_detail}`}
          {live.ended_at && ` · ${format.dateTime(live.ended_at)}`}
        </Text>
        <Badge variant="light" color={COLOURS[live.state]} miw="max-content">
          {t(`liveSwap.states.${live.state}`)}
        </Badge>
      </Group>
    </Group>
  );
}
