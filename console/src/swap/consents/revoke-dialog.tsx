import { Button, Group, Modal, Stack, Text, Textarea } from "@mantine/core";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { ProblemAlert, toastDone } from "#/shell/problem";
import { useRevoke } from "#/swap/consents/queries";
import type { Consent } from "#/swap/types";

const MOST_CHARS = 500;

export function RevokeDialog({ consent, onClose }: { consent: Consent; onClose: () => void }) {
  const { t } = useTranslation();
  const [reason, setReason] = useState("");
  const revoke = useRevoke(consent.consent_id);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    revoke.mutate(reason.trim(), {
      onSuccess: () => {
        toastDone(t("consents.revoke.done", { name: consent.subject_name }));
        onClose();
      },
    });
  };
  return (
    <Modal
      opened
      onClose={onClose}
      title={t("consents.revoke.title", { name: consent.subject_name })}
      closeButtonProps={{ "aria-label": t("shell.close") }}
    >
      <form onSubmit={submit}>
        <Stack>
          <Text size="sm">{t("consents.revoke.text")}</Text>
          {revoke.error && <ProblemAlert error={revoke.error} />}
          <Textarea
            label={t("consents.revoke.reason")}
            description={t("consents.revoke.reasonText")}
            autosize
            minRows={2}
            maxLength={MOST_CHARS}
            value={reason}
            onChange={(event) => setReason(event.currentTarget.value)}
            data-autofocus
          />
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              {t("shell.cancel")}
            </Button>
            <Button type="submit" color="cinnabar.7" loading={revoke.isPending}>
              {t("consents.revoke.confirm")}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
