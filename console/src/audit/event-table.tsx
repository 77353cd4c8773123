import { Button, Table, Text } from "@mantine/core";
import { useTranslation } from "react-i18next";
import type { AuditEvent } from "#/api/types";
import classes from "#/audit/audit.module.css";
import { useActionName, useActor } from "#/audit/names";
import { OutcomeBadge } from "#/audit/outcome-badge";
import { useFormat } from "#/i18n/format";

interface EventTableProps {
  events: AuditEvent[];
  onOpen: (event: AuditEvent) => void;
}

export function EventTable({ events, onOpen }: EventTableProps) {
  const { t } = useTranslation();
  return (
    <Table.ScrollContainer minWidth={880} className="surface">
      <Table highlightOnHover verticalSpacing="xs">
        <Table.Thead>
          <Table.Tr>
            <Table.Th>{t("audit.at")}</Table.Th>
            <Table.Th>{t("audit.actor")}</Table.Th>
            <Table.Th>{t("audit.action")}</Table.Th>
            <Table.Th>{t("audit.target")}</Table.Th>
            <Table.Th>{t("audit.outcome")}</Table.Th>
            <Table.Th>{t("audit.client")}</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {events.map((event) => (
            <EventRow key={event.sequence} event={event} onOpen={() => onOpen(event)} />
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}

function EventRow({ event, onOpen }: { event: AuditEvent; onOpen: () => void }) {
  const format = useFormat();
  const nameOf = useActionName();
  const { name, means } = useActor()(event.actor);
  return (
    <Table.Tr
      data-testid="audit-row"
      data-sequence={event.sequence}
      data-action={event.action}
      data-outcome={event.outcome}
    >
      <Table.Td className="tabular">
        <Text size="sm" c="dimmed" className={classes.whole}>
          {format.moment(event.at)}
        </Text>
      </Table.Td>
      <Table.Td>
        <Text size="sm" fw={600} className={`truncate ${classes.name}`} title={name}>
          {name}
        </Text>
        {means && (
          <Text size="xs" c="dimmed">
            {means}
          </Text>
        )}
      </Table.Td>
      <Table.Td>
        <Button variant="transparent" px={0} size="compact-sm" onClick={onOpen}>
          {nameOf(event.action)}
        </Button>
      </Table.Td>
      <Table.Td>
        {event.target !== null && (
          <div className={`truncate ${classes.id}`} title={event.target}>
            {event.target}
          </div>
        )}
      </Table.Td>
      <Table.Td>
        <OutcomeBadge outcome={event.outcome} />
      </Table.Td>
      <Table.Td className="tabular">
        <Text size="sm" c="dimmed" className={classes.whole}>
          {event.client}
        </Text>
      </Table.Td>
    </Table.Tr>
  );
}
