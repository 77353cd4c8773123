import { Button, Group, Modal, Stack, Text } from "@mantine/core";
import { ListFilter } from "lucide-react";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import type { AuditEvent } from "#/api/types";
import classes from "#/audit/audit.module.css";
import type { EventFilter } from "#/audit/filter";
import { useActionName, useActor } from "#/audit/names";
import { OutcomeBadge } from "#/audit/outcome-badge";
import { useFormat } from "#/i18n/format";
import { JsonView } from "#/json/json-view";

interface EventDialogProps {
  event: AuditEvent | null;
  onShow: (filter: EventFilter) => void;
  onClose: () => void;
}

/** One entry in full, and the way to those that belong to it. */
export function EventDialog({ event, onShow, onClose }: EventDialogProps) {
  const { t } = useTranslation();
  return (
    <Modal
      opened={event !== null}
      onClose={onClose}
      size="lg"
      title={event && t("audit.entry", { number: event.sequence })}
      closeButtonProps={{ "aria-label": t("shell.close") }}
    >
      {event && <EventView event={event} onShow={onShow} />}
    </Modal>
  );
}

function EventView({ event, onShow }: { event: AuditEvent; onShow: (filter: EventFilter) => void }) {
  const { t } = useTranslation();
  const format = useFormat();
  const nameOf = useActionName();
  const { name, means } = useActor()(event.actor);
  const { target } = event;
  const hasDetail = Object.keys(event.detail).length > 0;
  return (
    <Stack>
      <dl className={classes.facts}>
        <Fact name={t("audit.at")}>{format.moment(event.at)}</Fact>
        <Fact name={t("audit.actor")} code={event.actor.id}>
          {means ? `${name} · ${means}` : name}
        </Fact>
        <Fact name={t("audit.action")} code={event.action}>
          {nameOf(event.action)}
        </Fact>
        {target !== null && <Fact name={t("audit.target")} code={target} />}
        <Fact name={t("audit.outcome")}>
          <Group gap={8}>
            <OutcomeBadge outcome={event.outcome} />
            {event.status > 0 && (
              <Text span size="sm" c="dimmed">
                HTTP {event.status}
              </Text>
            )}
          </Group>
        </Fact>
        {event.client && <Fact name={t("audit.client")} code={event.client} />}
        {event.request_id && <Fact name={t("audit.request")} code={event.request_id} />}
        <Fact name={t("audit.hash")} code={event.hash} />
      </dl>
      {hasDetail ? (
        <JsonView value={event.detail} label={t("audit.detail")} />
      ) : (
        <Text size="sm" c="dimmed">
          {t("audit.noDetail")}
        </Text>
      )}
      <Group gap="xs">
        <Narrow filter={{ actor: event.actor.id }} onShow={onShow}>
          {t("audit.ofActor", { name })}
        </Narrow>
        {target !== null && (
          <Narrow filter={{ target }} onShow={onShow}>
            {t("audit.aboutTarget")}
          </Narrow>
        )}
      </Group>
    </Stack>
  );
}

interface FactProps {
  name: string;
  /** As the server writes it. */
  code?: string;
  children?: ReactNode;
}

function Fact({ name, code, children }: FactProps) {
  return (
    <>
      <dt>{name}</dt>
      <dd>
        {children}
        {code && <div className={classes.code}>{code}</div>}
      </dd>
    </>
  );
}

interface NarrowProps {
  filter: EventFilter;
  onShow: (filter: EventFilter) => void;
  children: ReactNode;
}

function Narrow({ filter, onShow, children }: NarrowProps) {
  return (
    <Button size="xs" variant="default" leftSection={<ListFilter size={15} />} onClick={() => onShow(filter)}>
      {children}
    </Button>
  );
}
