import { ActionIcon, Button, Group, Modal, NumberInput, Select, Stack, Text, TextInput } from "@mantine/core";
import { Plus, X } from "lucide-react";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import type { Person } from "#/api/types";
import {
  type Field,
  fieldsOf,
  type Kind,
  kinds,
  metadataOf,
  newField,
  problemOfField,
} from "#/gallery/metadata";
import { useChangePerson } from "#/gallery/queries";
import { toastDone } from "#/shell/problem";

interface DetailsDialogProps {
  person: Person;
  opened: boolean;
  onClose: () => void;
}

export function DetailsDialog({ person, opened, onClose }: DetailsDialogProps) {
  const { t } = useTranslation();
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      size="lg"
      title={t("gallery.details.title", { name: person.name })}
      closeButtonProps={{ "aria-label": t("shell.close") }}
    >
      <DetailsForm person={person} onClose={onClose} />
    </Modal>
  );
}

function DetailsForm({ person, onClose }: { person: Person; onClose: () => void }) {
  const { t } = useTranslation();
  const [fields, setFields] = useState<Field[]>(() => fieldsOf(person.metadata));
  const [threshold, setThreshold] = useState<number | string>(person.threshold ?? "");
  const [asked, setAsked] = useState(false);
  const change = useChangePerson(person.person_id);
  const edit = (id: number, values: Partial<Field>) =>
    setFields((list) => list.map((field) => (field.id === id ? { ...field, ...values } : field)));
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setAsked(true);
    if (fields.some((field) => problemOfField(field, fields))) return;
    change.mutate(
      { metadata: metadataOf(fields), threshold: typeof threshold === "number" ? threshold : null },
      {
        onSuccess: () => {
          toastDone(t("gallery.details.done"));
          onClose();
        },
      },
    );
  };
  return (
    <form onSubmit={submit} noValidate>
      <Stack>
        {fields.length === 0 && (
          <Text size="sm" c="dimmed">
            {t("gallery.details.none")}
          </Text>
        )}
        {fields.map((field) => (
          <FieldRow
            key={field.id}
            field={field}
            problem={asked ? problemOfField(field, fields) : null}
            onChange={(values) => edit(field.id, values)}
            onRemove={() => setFields((list) => list.filter((other) => other.id !== field.id))}
          />
        ))}
        <Button
          variant="default"
          leftSection={<Plus size={16} />}
          onClick={() => setFields((list) => [...list, newField()])}
          style={{ alignSelf: "flex-start" }}
        >
          {t("gallery.details.add")}
        </Button>
        <NumberInput
          label={t("gallery.details.threshold")}
          description={t("gallery.details.thresholdHint")}
          value={threshold}
          onChange={setThreshold}
          min={0}
          max={1}
          step={0.01}
          decimalScale={4}
          maw={280}
        />
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            {t("shell.cancel")}
          </Button>
          <Button type="submit" loading={change.isPending}>
            {t("gallery.details.save")}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

interface FieldRowProps {
  field: Field;
  problem: ReturnType<typeof problemOfField>;
  onChange: (values: Partial<Field>) => void;
  onRemove: () => void;
}

function FieldRow({ field, problem, onChange, onRemove }: FieldRowProps) {
  const { t } = useTranslation();
  const aboutKey = problem === "keyEmpty" || problem === "keyTwice";
  return (
    <Group gap="xs" wrap="nowrap" align="flex-start">
      <TextInput
        flex={2}
        aria-label={t("gallery.details.key")}
        placeholder={t("gallery.details.key")}
        value={field.key}
        error={aboutKey && t(`gallery.details.${problem}`)}
        onChange={(event) => onChange({ key: event.currentTarget.value })}
        data-autofocus
      />
      <TextInput
        flex={3}
        aria-label={t("gallery.details.value")}
        placeholder={t("gallery.details.value")}
        value={field.text}
        error={problem && !aboutKey && t(`gallery.details.${problem}`)}
        onChange={(event) => onChange({ text: event.currentTarget.value })}
      />
      <Select
        w={112}
        aria-label={t("gallery.details.kind")}
        data={kinds.map((kind) => ({ value: kind, label: t(`gallery.details.kinds.${kind}`) }))}
        value={field.kind}
        onChange={(kind) => onChange({ kind: kind as Kind })}
        allowDeselect={false}
      />
      <ActionIcon
        color="gray"
        aria-label={t("gallery.details.remove", { key: field.key })}
        onClick={onRemove}
      >
        <X size={16} />
      </ActionIcon>
    </Group>
  );
}
