import { Button, Group, Skeleton, Stack, Table, Text, Title } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Cctv, Play, VideoOff } from "lucide-react";
import { useTranslation } from "react-i18next";
import { useMay } from "#/account/session";
import { useFormat } from "#/i18n/format";
import { useObjectUrl } from "#/photo/object-url";
import { EmptyState } from "#/shell/empty-state";
import { PageHeader } from "#/shell/page-header";
import { ProblemAlert } from "#/shell/problem";
import { useShortcuts } from "#/shell/shortcuts";
import { snapshotQuery, streamsQuery } from "#/streams/queries";
import { StartDialog } from "#/streams/start-dialog";
import { StateBadge, useReason } from "#/streams/state-badge";
import classes from "#/streams/streams.module.css";
import { TimeLeft } from "#/streams/time-left";
import type { Stream } from "#/streams/types";

/** All that runs, and what has ended. */
export function StreamsPage() {
  const { t } = useTranslation();
  const [starting, dialog] = useDisclosure(false);
  const mayManage = useMay("streams:manage");
  useShortcuts({ n: () => mayManage && dialog.open() });
  const list = useQuery(streamsQuery);
  const count = list.data?.active_streams_count ?? 0;
  const button = mayManage && (
    <Button leftSection={<Play size={18} />} onClick={dialog.open}>
      {t("streams.start")}
    </Button>
  );
  return (
    <>
      <PageHeader
        title={t("streams.title")}
        intro={count ? t("streams.running", { count }) : t("streams.intro")}
      >
        {button}
      </PageHeader>
      <Stack gap="xl">
        {list.isPending && <Skeleton height={260} radius="lg" />}
        {list.error && <ProblemAlert error={list.error} onRetry={() => void list.refetch()} />}
        {list.data && count === 0 && (
          <EmptyState icon={Cctv} title={t("streams.empty.title")} text={t("streams.empty.text")}>
            {button}
          </EmptyState>
        )}
        {list.data && count > 0 && (
          <ul className={classes.grid}>
            {list.data.streams.map((stream) => (
              <StreamCard key={stream.stream_id} stream={stream} />
            ))}
          </ul>
        )}
        {list.data && list.data.ended.length > 0 && <Ended streams={list.data.ended} />}
      </Stack>
      <StartDialog opened={starting} onClose={dialog.close} />
    </>
  );
}

function StreamCard({ stream }: { stream: Stream }) {
  const { t } = useTranslation();
  const snapshot = useQuery(snapshotQuery(stream));
  const url = useObjectUrl(snapshot.data ?? undefined);
  const name = stream.name || stream.source;
  return (
    <li className={`surface ${classes.card}`} data-testid="stream-card">
      {url ? <img className={classes.still} src={url} alt="" /> : <NoPicture />}
      <Stack gap={6} p="sm">
        <Group justify="space-between" wrap="nowrap">
          <Link
            className={`${classes.link} truncate`}
            to="/streams/$streamId"
            params={{ streamId: stream.stream_id }}
          >
            {name}
          </Link>
          <StateBadge stream={stream} />
        </Group>
        <Text size="xs" c="dimmed" className="truncate">
          {stream.source}
        </Text>
        <Group justify="space-between">
          <TimeLeft stream={stream} />
          <Text size="sm" c="dimmed" className="tabular">
            {t("streams.persons", { count: stream.health?.persons ?? 0 })} ·{" "}
            {t("streams.watching", { count: stream.health?.viewers ?? 0 })}
          </Text>
        </Group>
      </Stack>
    </li>
  );
}

function NoPicture() {
  return (
    <div className={classes.noStill}>
      <VideoOff strokeWidth={1.4} aria-hidden />
    </div>
  );
}

function Ended({ streams }: { streams: Stream[] }) {
  const { t } = useTranslation();
  const format = useFormat();
  const reasonOf = useReason();
  return (
    <section aria-label={t("streams.ended")}>
      <Title order={2} size="h4" mb="sm">
        {t("streams.ended")}
      </Title>
      <Table.ScrollContainer minWidth={560} className="surface">
        <Table verticalSpacing="xs">
          <Table.Tbody>
            {streams.map((stream) => (
              <Table.Tr key={stream.stream_id} data-testid="ended-stream">
                <Table.Td>
                  <Link
                    className={classes.plainLink}
                    to="/streams/$streamId"
                    params={{ streamId: stream.stream_id }}
                  >
                    {stream.name || stream.source}
                  </Link>
                </Table.Td>
                <Table.Td>
                  <StateBadge stream={stream} />
                </Table.Td>
                <Table.Td>
                  <Text size="sm">{stream.reason && reasonOf(stream.reason)}</Text>
                </Table.Td>
                <Table.Td>
                  <Text size="sm" c="dimmed" className="tabular">
                    {stream.ended_at && format.dateTime(stream.ended_at)}
                  </Text>
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
    </section>
  );
}
