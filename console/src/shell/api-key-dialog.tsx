import { Alert, Button, Group, Modal, PasswordInput, Stack } from "@mantine/core";
import { type FormEvent, useState, useSyncExternalStore } from "react";
import { useTranslation } from "react-i18next";
import { onQuestion, openQuestion } from "#/api/key";

/** Opens whenever a request waits for the API key. */
export function ApiKeyDialog() {
  const { t } = useTranslation();
  const question = useSyncExternalStore(onQuestion, openQuestion);
  const [key, setKey] = useState("");
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!key.trim()) return;
    question?.answer(key.trim());
    setKey("");
  };
  return (
    <Modal
      opened={question !== null}
      onClose={() => question?.answer(null)}
      title={t("shell.apiKey.title")}
      closeButtonProps={{ "aria-label": t("shell.close") }}
      closeOnClickOutside={false}
    >
      <form onSubmit={submit}>
        <Stack>
          {question?.refused && <Alert color="cinnabar">{t("shell.apiKey.refused")}</Alert>}
          <PasswordInput
            label={t("shell.apiKey.label")}
            description={t("shell.apiKey.text")}
            value={key}
            onChange={(event) => setKey(event.currentTarget.value)}
            autoComplete="off"
            data-autofocus
          />
          <Group justify="flex-end">
            <Button variant="default" onClick={() => question?.answer(null)}>
              {t("shell.cancel")}
            </Button>
            <Button type="submit" disabled={!key.trim()}>
              {t("shell.apiKey.submit")}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
