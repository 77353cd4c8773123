import { Button, Group, Modal, Stack, Text } from "@mantine/core";
import { ArrowRight } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { Person } from "#/api/types";
import classes from "#/gallery/moves/moves.module.css";
import { PersonPicker } from "#/gallery/moves/person-picker";
import { useMerge } from "#/gallery/queries";
import { thumbnailOf } from "#/photo/addresses";
import { ServerImage } from "#/photo/server-image";
import { toastDone } from "#/shell/problem";

interface MergeDialogProps {
  /** Who stays. */
  person: Person;
  opened: boolean;
  onClose: () => void;
}

export function MergeDialog({ person, opened, onClose }: MergeDialogProps) {
  const { t } = useTranslation();
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      title={t("moves.merge.title", { name: person.name })}
      closeButtonProps={{ "aria-label": t("shell.close") }}
    >
      <MergeForm person={person} onClose={onClose} />
    </Modal>
  );
}

function MergeForm({ person, onClose }: { person: Person; onClose: () => void }) {
  const { t } = useTranslation();
  const [other, setOther] = useState<Person | null>(null);
  const merge = useMerge(person.person_id);
  const submit = () => {
    if (!other) return;
    const names = { name: person.name, other: other.name };
    merge.mutate([other.person_id], {
      onSuccess: (answer) => {
        const parts = [t("moves.merge.done", { ...names, count: answer.images_moved })];
        if (answer.duplicates_dropped > 0)
          parts.push(t("moves.merge.duplicates", { count: answer.duplicates_dropped }));
        if (answer.metadata_conflicts.length > 0) {
          const keys = answer.metadata_conflicts.map((conflict) => conflict.key).join(", ");
          parts.push(t("moves.merge.conflicts", { ...names, keys }));
        }
        toastDone(parts.join(" "));
        onClose();
      },
    });
  };
  return (
    <Stack>
      <PersonPicker
        label={t("moves.merge.pick", { name: person.name })}
        except={person.person_id}
        value={other}
        onChange={setOther}
      />
      {other && (
        <>
          <Group justify="center" align="flex-start" gap="lg" wrap="nowrap">
            <Portrait person={other} note={t("moves.merge.gone")} />
            <ArrowRight size={26} aria-hidden className={classes.arrow} />
            <Portrait person={person} note={t("moves.merge.stays")} />
          </Group>
          <Text size="sm">
            {t("moves.merge.text", { name: person.name, other: other.name, count: other.image_count })}
          </Text>
        </>
      )}
      <Group justify="flex-end">
        <Button variant="default" onClick={onClose}>
          {t("shell.cancel")}
        </Button>
        <Button color="cinnabar.7" disabled={!other} loading={merge.isPending} onClick={submit}>
          {t("moves.merge.confirm")}
        </Button>
      </Group>
    </Stack>
  );
}

function Portrait({ person, note }: { person: Person; note: string }) {
  const { t } = useTranslation();
  return (
    <Stack gap={2} align="center" className={classes.side}>
      <ServerImage src={thumbnailOf(person)} alt="" className={classes.portrait ?? ""} />
      <Text fw={600} ta="center" className={classes.name}>
        {person.name}
      </Text>
      <Text size="xs" c="dimmed" ta="center">
        {t("gallery.images", { count: person.image_count })} · {note}
      </Text>
    </Stack>
  );
}
