import { useTranslation } from "react-i18next";
import type { Person } from "#/api/types";
import { useDeletePerson } from "#/gallery/queries";
import { ConfirmDialog } from "#/shell/confirm-dialog";
import { toastDone } from "#/shell/problem";

interface DeletePersonDialogProps {
  person: Person;
  opened: boolean;
  onClose: () => void;
  onDeleted?: (() => void) | undefined;
}

export function DeletePersonDialog({ person, opened, onClose, onDeleted }: DeletePersonDialogProps) {
  const { t } = useTranslation();
  const remove = useDeletePerson(person.person_id);
  return (
    <ConfirmDialog
      opened={opened}
      title={t("gallery.delete.title", { name: person.name })}
      text={t("gallery.delete.text", { count: person.image_count })}
      confirm={t("gallery.delete.confirm")}
      busy={remove.isPending}
      onClose={onClose}
      onConfirm={() =>
        remove.mutate(undefined, {
          onSuccess: () => {
            toastDone(t("gallery.delete.done", { name: person.name }));
            onClose();
            onDeleted?.();
          },
        })
      }
    />
  );
}
