import { Button, Group, Modal, Stack, TextInput } from "@mantine/core";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import type { Person } from "#/api/types";
import { useChangePerson } from "#/gallery/queries";
import { toastDone } from "#/shell/problem";

interface RenameDialogProps {
  person: Person;
  opened: boolean;
  onClose: () => void;
}

export function RenameDialog({ person, opened, onClose }: RenameDialogProps) {
  const { t } = useTranslation();
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      title={t("gallery.rename.title")}
      closeButtonProps={{ "aria-label": t("shell.close") }}
    >
      <RenameForm person={person} onClose={onClose} />
    </Modal>
  );
}

function RenameForm({ person, onClose }: { person: Person; onClose: () => void }) {
  const { t } = useTranslation();
  const [name, setName] = useState(person.name);
  const change = useChangePerson(person.person_id);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!name.trim()) return;
    change.mutate(
      { name: name.trim() },
      {
        onSuccess: () => {
          toastDone(t("gallery.rename.done", { name: name.trim() }));
          onClose();
        },
      },
    );
  };
  return (
    <form onSubmit={submit}>
      <Stack>
        <TextInput
          label={t("gallery.rename.label")}
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
          onFocus={(event) => event.currentTarget.select()}
          maxLength={200}
          data-autofocus
        />
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            {t("shell.cancel")}
          </Button>
          <Button type="submit" loading={change.isPending} disabled={!name.trim()}>
            {t("gallery.rename.save")}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
