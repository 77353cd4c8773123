import { useTranslation } from "react-i18next";
import { useDeleteImage } from "#/images/queries";
import type { StoredImage } from "#/images/types";
import { ConfirmDialog } from "#/shell/confirm-dialog";
import { toastDone } from "#/shell/problem";

interface DeletePictureDialogProps {
  image: StoredImage;
  onClose: () => void;
  onDeleted?: () => void;
}

export function DeletePictureDialog({ image, onClose, onDeleted }: DeletePictureDialogProps) {
  const { t } = useTranslation();
  const remove = useDeleteImage(image.image_id);
  return (
    <ConfirmDialog
      opened
      title={t("images.delete.title", { name: image.name })}
      text={t("images.delete.text")}
      confirm={t("images.delete.confirm")}
      busy={remove.isPending}
      onClose={onClose}
      onConfirm={() =>
        remove.mutate(undefined, {
          onSuccess: () => {
            toastDone(t("images.delete.done", { name: image.name }));
            onClose();
            onDeleted?.();
          },
        })
      }
    />
  );
}
