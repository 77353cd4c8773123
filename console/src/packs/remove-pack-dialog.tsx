import { useTranslation } from "react-i18next";
import type { Pack } from "#/api/types";
import { labelOf } from "#/packs/labels";
import { useRemovePack } from "#/packs/queries";
import { ConfirmDialog } from "#/shell/confirm-dialog";
import { toastDone } from "#/shell/problem";

export function RemovePackDialog({ pack, onClose }: { pack: Pack; onClose: () => void }) {
  const { t } = useTranslation();
  const remove = useRemovePack(pack);
  const label = labelOf(pack);
  const embedded = pack.coverage?.embedded ?? 0;
  const text = t("packs.remove.text");
  return (
    <ConfirmDialog
      opened
      title={t("packs.remove.title", { pack: label })}
      text={embedded > 0 ? `${text} ${t("packs.remove.textEmbedded", { count: embedded })}` : text}
      confirm={t("packs.remove.confirm")}
      busy={remove.isPending}
      onClose={onClose}
      onConfirm={() =>
        remove.mutate(embedded > 0, {
          onSuccess: () => toastDone(t("packs.remove.done", { pack: label })),
          onSettled: onClose,
        })
      }
    />
  );
}
