import { ActionIcon, Button, Group, Modal, Stack, Text, TextInput, Tooltip } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Split } from "lucide-react";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import type { components } from "#/api/schema";
import type { Person } from "#/api/types";
import { PersonPicker } from "#/gallery/moves/person-picker";
import { ServerImage } from "#/photo/server-image";
import { ProblemAlert, toastDone } from "#/shell/problem";
import { type Unknown, unknownQuery, useName, useSplitOff } from "#/unknowns/queries";
import classes from "#/unknowns/unknowns.module.css";

type Named = components["schemas"]["NamedAnswer"];

interface NameDialogProps {
  unknown: Unknown;
  opened: boolean;
  onClose: () => void;
}

/** Makes a new person of somebody unknown, or says whom they are of those enrolled. */
export function NameDialog({ unknown, opened, onClose }: NameDialogProps) {
  const { t } = useTranslation();
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      title={t("unknowns.dialog.title")}
      closeButtonProps={{ "aria-label": t("shell.close") }}
    >
      <NameForm unknown={unknown} onClose={onClose} />
    </Modal>
  );
}

function NameForm({ unknown, onClose }: { unknown: Unknown; onClose: () => void }) {
  const { t } = useTranslation();
  const [name, setName] = useState("");
  const [person, setPerson] = useState<Person | null>(null);
  const naming = useName(unknown);
  const onNamed = useNamed();
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const body = person ? { person_id: person.person_id } : { new_person: { name: name.trim() } };
    naming.mutate(body, {
      onSuccess: (answer) => {
        onNamed(answer);
        onClose();
      },
    });
  };
  return (
    <form onSubmit={submit}>
      <Stack gap="sm">
        <Faces unknown={unknown} />
        <TextInput
          label={t("unknowns.dialog.newName")}
          value={name}
          maxLength={200}
          disabled={person !== null}
          onChange={(event) => setName(event.currentTarget.value)}
          data-autofocus
        />
        <PersonPicker label={t("unknowns.dialog.existing")} except="" value={person} onChange={setPerson} />
        {naming.error && <ProblemAlert error={naming.error} />}
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            {t("shell.cancel")}
          </Button>
          <Button type="submit" loading={naming.isPending} disabled={!person && !name.trim()}>
            {t("unknowns.dialog.submit")}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

function Faces({ unknown }: { unknown: Unknown }) {
  const { t } = useTranslation();
  const detail = useQuery(unknownQuery(unknown.unknown_id));
  const split = useSplitOff(unknown);
  const faces = detail.data?.faces ?? [];
  return (
    <div>
      <Text size="sm" fw={500} mb={6}>
        {t("unknowns.dialog.faces")}
      </Text>
      <ul className={classes.faces}>
        {faces.map((face, index) => (
          <li key={face.face_id} data-testid="unknown-face">
            <ServerImage
              src={face.crop_url}
              alt={t("unknowns.face", { number: index + 1 })}
              className={classes.face ?? ""}
            />
            {faces.length > 1 && (
              <Tooltip label={t("unknowns.splitOff")}>
                <ActionIcon
                  size="sm"
                  color="gray"
                  aria-label={`${t("unknowns.splitOff")}: ${index + 1}`}
                  loading={split.isPending && split.variables === face.face_id}
                  onClick={() => split.mutate(face.face_id)}
                >
                  <Split size={14} />
                </ActionIcon>
              </Tooltip>
            )}
          </li>
        ))}
      </ul>
      {split.error && <ProblemAlert error={split.error} />}
    </div>
  );
}

/** Says what came of a naming. */
export function useNamed(): (answer: Named) => void {
  const { t } = useTranslation();
  return ({ person, faces }) => {
    const count = faces.filter((face) => face.status === "enrolled").length;
    const parts = [t("unknowns.named", { name: person.name, count })];
    if (count < faces.length) parts.push(t("unknowns.failed", { count: faces.length - count }));
    toastDone(parts.join(". "));
  };
}
