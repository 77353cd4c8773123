import { useTranslation } from "react-i18next";
import type { Person, PersonImage } from "#/api/types";
import { useDeleteImage } from "#/gallery/queries";
import { ConfirmDialog } from "#/shell/confirm-dialog";
import { toastDone } from "#/shell/problem";

interface DeleteImageDialogProps {
  image: PersonImage;
  person: Person;
  opened: boolean;
  onClose: () => void;
}

export function DeleteImageDialog({ image, person, opened, onClose }: DeleteImageDialogProps) {
  const { t } = useTranslation();
  const remove = useDeleteImage(person.person_id);
  const last = person.image_count <= 1;
  return (
    <ConfirmDialog
      opened={opened}
      title={t("person.deleteImageTitle")}
      text={last ? t("person.deleteLastText", { name: person.name }) : t("person.deleteImageText")}
      confirm={t("gallery.delete.confirm")}
      busy={remove.isPending}
      onClose={onClose}
      onConfirm={() =>
        remove.mutate(image.image_id, {
          onSuccess: () => {
            toastDone(t("person.deleteImageDone"));
            onClose();
          },
        })
      }
    />
  );
}
