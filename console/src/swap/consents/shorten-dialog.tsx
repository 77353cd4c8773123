import { Button, Group, Modal, Stack, Text, TextInput } from "@mantine/core";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { fieldOf, momentOf } from "#/audit/filter";
import { ProblemAlert, toastDone } from "#/shell/problem";
import { useShorten } from "#/swap/consents/queries";
import type { Consent } from "#/swap/types";

/** A consent can only be made to end sooner. */
export function ShortenDialog({ consent, onClose }: { consent: Consent; onClose: () => void }) {
  const { t } = useTranslation();
  const [until, setUntil] = useState(() => fieldOf(consent.valid_until));
  const shorten = useShorten(consent.consent_id);
  const moment = momentOf(until);
  const isSooner = moment !== null && new Date(moment) < new Date(consent.valid_until);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!isSooner) return;
    shorten.mutate(moment, {
      onSuccess: () => {
        toastDone(t("consents.shorten.done"));
        onClose();
      },
    });
  };
  return (
    <Modal
      opened
      onClose={onClose}
      title={t("consents.shorten.title", { name: consent.subject_name })}
      closeButtonProps={{ "aria-label": t("shell.close") }}
    >
      <form onSubmit={submit}>
        <Stack>
          <Text size="sm">{t("consents.shorten.text")}</Text>
          {shorten.error && <ProblemAlert error={shorten.error} />}
          <TextInput
            type="datetime-local"
            label={t("consents.form.until")}
            max={fieldOf(consent.valid_until)}
            value={until}
            onChange={(event) => setUntil(event.currentTarget.value)}
            data-autofocus
          />
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              {t("shell.cancel")}
            </Button>
            <Button type="submit" loading={shorten.isPending} disabled={!isSooner}>
              {t("consents.shorten.confirm")}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
