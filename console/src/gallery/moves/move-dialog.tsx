import { Button, Checkbox, Group, Modal, SegmentedControl, Stack, TextInput } from "@mantine/core";
import { useNavigate } from "@tanstack/react-router";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import type { Person, PersonImage } from "#/api/types";
import classes from "#/gallery/moves/moves.module.css";
import { PersonPicker } from "#/gallery/moves/person-picker";
import { useMoveImage } from "#/gallery/queries";
import { imageThumbnail } from "#/photo/addresses";
import { ServerImage } from "#/photo/server-image";
import { toastDone } from "#/shell/problem";

interface MoveDialogProps {
  image: PersonImage;
  /** Whose it is now. */
  person: Person;
  opened: boolean;
  onClose: () => void;
}

export function MoveDialog(props: MoveDialogProps) {
  const { t } = useTranslation();
  return (
    <Modal
      opened={props.opened}
      onClose={props.onClose}
      title={t("moves.move.title")}
      closeButtonProps={{ "aria-label": t("shell.close") }}
    >
      <MoveForm {...props} />
    </Modal>
  );
}

function MoveForm({ image, person, onClose }: MoveDialogProps) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const [target, setTarget] = useState<"existing" | "fresh">("existing");
  const [other, setOther] = useState<Person | null>(null);
  const [name, setName] = useState("");
  const [deleteEmpty, setDeleteEmpty] = useState(false);
  const move = useMoveImage(person.person_id);
  const isLast = person.image_count <= 1;
  const to =
    target === "existing"
      ? other && { to_person_id: other.person_id }
      : name.trim() && { new_person: { name: name.trim() } };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!to) return;
    move.mutate(
      { imageId: image.image_id, to, deleteEmpty: isLast && deleteEmpty },
      {
        onSuccess: (answer) => {
          const done = t("moves.move.done", { name: answer.person.name });
          toastDone(
            answer.person_removed ? `${done} ${t("moves.move.removed", { name: person.name })}` : done,
          );
          onClose();
          if (answer.person_removed)
            void navigate({ to: "/gallery/$personId", params: { personId: answer.person.person_id } });
        },
      },
    );
  };
  return (
    <form onSubmit={submit}>
      <Stack>
        <ServerImage
          src={imageThumbnail(person.person_id, image.image_id)}
          alt=""
          className={classes.portrait ?? ""}
        />
        <SegmentedControl
          aria-label={t("moves.move.to.label")}
          data={[
            { value: "existing", label: t("moves.move.to.existing") },
            { value: "fresh", label: t("moves.move.to.fresh") },
          ]}
          value={target}
          onChange={(value) => setTarget(value === "fresh" ? "fresh" : "existing")}
        />
        {target === "existing" ? (
          <PersonPicker
            label={t("moves.picker.label")}
            except={person.person_id}
            value={other}
            onChange={setOther}
          />
        ) : (
          <TextInput
            label={t("moves.move.name")}
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
            maxLength={200}
          />
        )}
        {isLast && (
          <Checkbox
            label={t("moves.move.deleteEmpty", { name: person.name })}
            checked={deleteEmpty}
            onChange={(event) => setDeleteEmpty(event.currentTarget.checked)}
          />
        )}
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            {t("shell.cancel")}
          </Button>
          <Button type="submit" disabled={!to} loading={move.isPending}>
            {t("moves.move.confirm")}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
