import type { TFunction } from "i18next";
import { useTranslation } from "react-i18next";
import type { DeletionReceipt, Person } from "#/api/types";
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
          onSuccess: ({ receipt }) => {
            toastDone(receiptText(t, person.name, receipt));
            onClose();
            onDeleted?.();
          },
        })
      }
    />
  );
}

/** What is gone, as the server looked it up afterwards. */
function receiptText(t: TFunction, name: string, receipt: DeletionReceipt): string {
  const embeddings = Object.values(receipt.embeddings).reduce((sum, count) => sum + count, 0);
  const removed = [
    t("gallery.images", { count: receipt.images }),
    t("gallery.delete.embeddings", { count: embeddings }),
    t("gallery.delete.files", { count: receipt.files }),
  ].join(t("gallery.delete.comma"));
  const checked = receipt.verified
    ? t("gallery.delete.verified")
    : t("gallery.delete.remaining", { count: receipt.remaining_files });
  return `${t("gallery.delete.done", { name, removed })} ${checked}`;
}
