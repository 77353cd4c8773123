import { useTranslation } from "react-i18next";
import { ConfirmDialog } from "#/shell/confirm-dialog";
import { toastDone, toastProblem } from "#/shell/problem";
import { useDeleteConsent } from "#/swap/consents/queries";
import type { Consent } from "#/swap/types";

/** Of a consent that nothing was made by. */
export function DeleteDialog({ consent, onClose }: { consent: Consent; onClose: () => void }) {
  const { t } = useTranslation();
  const remove = useDeleteConsent(consent.consent_id);
  return (
    <ConfirmDialog
      opened
      title={t("consents.delete.title")}
      text={t("consents.delete.text", { name: consent.subject_name })}
      confirm={t("consents.delete.confirm")}
      busy={remove.isPending}
      onClose={onClose}
      onConfirm={() =>
        remove.mutate(undefined, {
          onSuccess: () => {
            toastDone(t("consents.delete.done"));
            onClose();
          },
          onError: toastProblem,
        })
      }
    />
  );
}
