import { Anchor, Badge, Button, Group, Menu, Skeleton, Stack, Text, Title, Tooltip } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { ArrowLeft, CircleStop, Hourglass, Pause, Play, VideoOff } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Allowed } from "#/account/allowed";
import { useFormat } from "#/i18n/format";
import { LiveBadge } from "#/push/live-badge";
import { ConfirmDialog } from "#/shell/confirm-dialog";
import { EmptyState } from "#/shell/empty-state";
import { ProblemAlert } from "#/shell/problem";
import { useIsSending } from "#/streams/browser-camera";
import { EventList } from "#/streams/event-list";
import { streamQuery, useExtend, usePause, useStop } from "#/streams/queries";
import { StateBadge, useReason } from "#/streams/state-badge";
import classes from "#/streams/streams.module.css";
import { TimeLeft } from "#/streams/time-left";
import { isOver, LIFETIMES, lifetimes, type Stream } from "#/streams/types";
import { useLiveEvents } from "#/streams/use-live-events";

const route = getRouteApi("/streams/$streamId");

/** One stream: its picture, how it is, who comes and goes. */
export function StreamPage() {
  const { t } = useTranslation();
  const { streamId } = route.useParams();
  const stream = useQuery(streamQuery(streamId));
  return (
    <Stack gap="lg">
      <Anchor component={Link} to="/streams" c="dimmed" size="sm" style={{ alignSelf: "flex-start" }}>
        <Group gap={6}>
          <ArrowLeft size={15} />
          {t("streams.live.back")}
        </Group>
      </Anchor>
      {stream.isPending && <Skeleton height={420} radius="lg" />}
      {stream.error && !stream.data && (
        <ProblemAlert error={stream.error} onRetry={() => void stream.refetch()} />
      )}
      {stream.data && <StreamView stream={stream.data} />}
    </Stack>
  );
}

function StreamView({ stream }: { stream: Stream }) {
  const { t } = useTranslation();
  const name = stream.name || stream.source;
  const over = isOver(stream);
  const sending = useIsSending(stream.stream_id);
  const isLive = useLiveEvents();
  return (
    <>
      <title>{`${name} · Lianpu`}</title>
      <Group justify="space-between" gap="md">
        <Stack gap={2} miw={0}>
          <Group gap="sm">
            <Title order={1} size="h2" style={{ overflowWrap: "anywhere" }}>
              {name}
            </Title>
            <StateBadge stream={stream} />
          </Group>
          <Group gap="sm">
            <Text size="sm" c="dimmed" style={{ overflowWrap: "anywhere" }}>
              {stream.source}
            </Text>
            {!over && <TimeLeft stream={stream} />}
            {sending && <Badge variant="light">{t("streams.live.sending")}</Badge>}
          </Group>
        </Stack>
        {!over && (
          <Allowed scope="streams:manage">
            <Actions stream={stream} name={name} />
          </Allowed>
        )}
      </Group>
      <div className={classes.layout}>
        <Stack gap="md">
          {over ? <Over stream={stream} /> : <Picture stream={stream} name={name} />}
          {stream.health && <Figures health={stream.health} />}
        </Stack>
        <section className="surface" aria-label={t("streams.events.title")}>
          <Group justify="space-between" p="sm">
            <Title order={2} size="h5">
              {t("streams.events.title")}
            </Title>
            {!over && <LiveBadge isLive={isLive} />}
          </Group>
          <EventList stream={stream} />
        </section>
      </div>
    </>
  );
}

function Picture({ stream, name }: { stream: Stream; name: string }) {
  const { t } = useTranslation();
  // The address is signed anew with every answer; the picture that runs stays as it is until it breaks.
  const [feed, setFeed] = useState(stream.feed_url);
  const [attempt, setAttempt] = useState(0);
  return (
    <div className={classes.picture}>
      <img
        key={attempt}
        className={classes.feed}
        src={feed ?? undefined}
        alt={t("streams.live.picture", { name })}
        data-testid="feed"
        onError={() => {
          setTimeout(() => {
            setFeed(stream.feed_url);
            setAttempt((one) => one + 1);
          }, 2000);
        }}
      />
      {stream.detection_paused && (
        <Badge className={classes.note ?? ""} color="ochre">
          {t("streams.live.paused")}
        </Badge>
      )}
    </div>
  );
}

function Over({ stream }: { stream: Stream }) {
  const { t } = useTranslation();
  const reasonOf = useReason();
  return (
    <EmptyState
      icon={VideoOff}
      title={t("streams.live.over")}
      text={stream.reason ? reasonOf(stream.reason) : ""}
    />
  );
}

function Actions({ stream, name }: { stream: Stream; name: string }) {
  const { t } = useTranslation();
  const [stopping, confirm] = useDisclosure(false);
  const stop = useStop(stream);
  const extend = useExtend(stream);
  const pause = usePause(stream);
  const paused = stream.detection_paused;
  return (
    <Group gap="xs">
      <Menu>
        <Menu.Target>
          <Button variant="default" leftSection={<Hourglass size={16} />} loading={extend.isPending}>
            {t("streams.live.extend")}
          </Button>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Label>{t("streams.live.extendBy")}</Menu.Label>
          {lifetimes.map((one) => (
            <Menu.Item key={one} onClick={() => extend.mutate(LIFETIMES[one])}>
              {t(`streams.lifetimes.${one}`)}
            </Menu.Item>
          ))}
        </Menu.Dropdown>
      </Menu>
      <Button
        variant="default"
        leftSection={paused ? <Play size={16} /> : <Pause size={16} />}
        loading={pause.isPending}
        onClick={() => pause.mutate(!paused)}
      >
        {t(paused ? "streams.live.resume" : "streams.live.pause")}
      </Button>
      <Button color="cinnabar.7" leftSection={<CircleStop size={16} />} onClick={confirm.open}>
        {t("streams.live.stop")}
      </Button>
      <ConfirmDialog
        opened={stopping}
        title={t("streams.live.stop")}
        text={t("streams.live.stopText", { name })}
        confirm={t("streams.live.stop")}
        busy={stop.isPending}
        onConfirm={() => stop.mutate(undefined, { onSuccess: confirm.close })}
        onClose={confirm.close}
      />
    </Group>
  );
}

interface Figure {
  name: string;
  value: string;
  note?: string;
}

type Health = NonNullable<Stream["health"]>;

function decodingOf(health: Health, software: string): Omit<Figure, "name"> {
  if (health.decoder === null) return { value: "–" };
  const device = health.decoding_device === "software" ? software : health.decoding_device;
  return {
    value: `${health.decoder} · ${device}`,
    ...(health.decoding_notice && { note: health.decoding_notice }),
  };
}

function Figures({ health }: { health: Health }) {
  const { t } = useTranslation();
  const format = useFormat();
  const fps = (value: number) => t("streams.health.fps", { value: format.figure(value, 1) });
  const latency =
    health.latency_p50_ms === null || health.latency_p95_ms === null
      ? "–"
      : t("streams.health.ms", {
          median: Math.round(health.latency_p50_ms),
          high: Math.round(health.latency_p95_ms),
        });
  const figures: Figure[] = [
    { name: t("streams.health.source"), value: fps(health.source_fps) },
    {
      name: t("streams.health.looked"),
      value: fps(health.processed_fps),
      note: t("streams.health.every", { count: health.detect_every }),
    },
    { name: t("streams.health.dropped"), value: format.number(health.dropped_total) },
    { name: t("streams.health.latency"), value: latency },
    { name: t("streams.health.inPicture"), value: format.number(health.persons) },
    { name: t("streams.health.viewers"), value: format.number(health.viewers) },
    { name: t("streams.health.pack"), value: health.pack },
    { name: t("streams.health.decoding"), ...decodingOf(health, t("streams.health.software")) },
  ];
  return (
    <section className="surface" aria-label={t("streams.health.title")}>
      <dl className={`${classes.figures} tabular`}>
        {figures.map(({ name, value, note }) => (
          <div key={name}>
            <dt>{name}</dt>
            {note ? (
              <Tooltip label={note} multiline maw={420}>
                <dd>{value}</dd>
              </Tooltip>
            ) : (
              <dd>{value}</dd>
            )}
          </div>
        ))}
      </dl>
    </section>
  );
}
