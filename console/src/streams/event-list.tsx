import { Badge, Button, Center, Text } from "@mantine/core";
import { useInfiniteQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { useFormat } from "#/i18n/format";
import { ServerImage } from "#/photo/server-image";
import { ProblemAlert } from "#/shell/problem";
import { eventsQuery } from "#/streams/queries";
import classes from "#/streams/streams.module.css";
import type { Stream, StreamEvent } from "#/streams/types";

/** Who came and went, the newest first, as it happens. */
export function EventList({ stream }: { stream: Stream }) {
  const { t } = useTranslation();
  const list = useInfiniteQuery(eventsQuery(stream.stream_id));
  if (list.error && !list.data)
    return <ProblemAlert error={list.error} onRetry={() => void list.refetch()} />;
  const events = list.data?.pages.flatMap((page) => page.events) ?? [];
  if (list.data && events.length === 0) {
    return (
      <Text c="dimmed" p="md" ta="center">
        {t("streams.events.none")}
      </Text>
    );
  }
  return (
    <>
      <ul className={classes.events}>
        {events.map((event) => (
          <EventRow key={event.event_id} event={event} />
        ))}
      </ul>
      {list.hasNextPage && (
        <Center p="sm">
          <Button
            size="xs"
            variant="default"
            loading={list.isFetchingNextPage}
            onClick={() => void list.fetchNextPage()}
          >
            {t("streams.events.older")}
          </Button>
        </Center>
      )}
    </>
  );
}

function EventRow({ event }: { event: StreamEvent }) {
  const { t } = useTranslation();
  const format = useFormat();
  return (
    <li className={classes.event} data-testid="stream-event" data-kind={event.kind}>
      <ServerImage src={event.crop_url} alt="" className={classes.crop ?? ""} />
      <div>
        <Text size="sm" fw={600} style={{ overflowWrap: "anywhere" }}>
          {event.person_id ? (
            <Link
              className={classes.plainLink}
              to="/gallery/$personId"
              params={{ personId: event.person_id }}
            >
              {event.person_name}
            </Link>
          ) : (
            t("streams.events.unknown")
          )}
        </Text>
        <Text size="xs" c="dimmed">
          {t(`streams.events.${event.kind}`)}
          {event.score !== null && ` · ${format.figure(event.score)}`}
        </Text>
      </div>
      <div>
        <Text size="xs" c="dimmed" className="tabular">
          {format.time(event.at)}
        </Text>
        {event.is_live === false && (
          <Badge size="xs" color="cinnabar">
            {t("streams.events.notLive")}
          </Badge>
        )}
      </div>
    </li>
  );
}
