import { Button, Group, Select, TextInput } from "@mantine/core";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import classes from "#/audit/audit.module.css";
import { type EventFilter, fieldOf, filterOf, momentOf } from "#/audit/filter";
import { actionsByArea, useActionName } from "#/audit/names";

interface FilterFormProps {
  filter: EventFilter;
  /** On a phone, where it would push the log off the screen; elsewhere there is room for it. */
  shown: boolean;
  onShow: (filter: EventFilter) => void;
}

/** Asked for as a whole: each question to the log is an entry in it. */
export function FilterForm({ filter, shown, onShow }: FilterFormProps) {
  const { t } = useTranslation();
  const [actor, setActor] = useState(filter.actor ?? "");
  const [target, setTarget] = useState(filter.target ?? "");
  const [action, setAction] = useState(filter.action ?? null);
  const [since, setSince] = useState(fieldOf(filter.since));
  const [until, setUntil] = useState(fieldOf(filter.until));
  const submit = (event: FormEvent) => {
    event.preventDefault();
    onShow(filterOf({ actor, target, action, since: momentOf(since), until: momentOf(until) }));
  };
  return (
    <form
      className={`surface ${classes.filter}`}
      data-shown={shown}
      onSubmit={submit}
      aria-label={t("audit.filter.label")}
    >
      <TextInput
        label={t("audit.filter.actor")}
        placeholder={t("audit.filter.actorText")}
        autoComplete="off"
        maxLength={128}
        value={actor}
        onChange={(event) => setActor(event.currentTarget.value)}
      />
      <ActionChoice value={action} onChange={setAction} />
      <TextInput
        label={t("audit.filter.target")}
        placeholder={t("audit.filter.targetText")}
        autoComplete="off"
        maxLength={255}
        value={target}
        onChange={(event) => setTarget(event.currentTarget.value)}
      />
      <TextInput
        type="datetime-local"
        label={t("audit.filter.since")}
        value={since}
        onChange={(event) => setSince(event.currentTarget.value)}
      />
      <TextInput
        type="datetime-local"
        label={t("audit.filter.until")}
        value={until}
        onChange={(event) => setUntil(event.currentTarget.value)}
      />
      <Group gap="xs" wrap="nowrap">
        <Button type="submit" variant="default">
          {t("audit.filter.show")}
        </Button>
        {Object.keys(filter).length > 0 && (
          <Button variant="subtle" onClick={() => onShow({})}>
            {t("audit.filter.clear")}
          </Button>
        )}
      </Group>
    </form>
  );
}

interface ActionChoiceProps {
  value: string | null;
  onChange: (action: string | null) => void;
}

function ActionChoice({ value, onChange }: ActionChoiceProps) {
  const { t } = useTranslation();
  const nameOf = useActionName();
  const known = actionsByArea.map(([area, actions]) => ({
    group: t(`audit.areas.${area}`),
    items: actions.map((action) => ({ value: action, label: nameOf(action) })),
  }));
  const isKnown = actionsByArea.some(([, actions]) => value !== null && actions.includes(value));
  return (
    <Select
      label={t("audit.filter.action")}
      placeholder={t("audit.filter.anyAction")}
      data={value === null || isKnown ? known : [{ value, label: value }, ...known]}
      value={value}
      onChange={onChange}
      searchable
      clearable
      nothingFoundMessage={t("audit.filter.noAction")}
      maxDropdownHeight={320}
    />
  );
}
