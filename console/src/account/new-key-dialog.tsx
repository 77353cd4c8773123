import {
  Alert,
  Button,
  Checkbox,
  CopyButton,
  Group,
  Modal,
  Select,
  Stack,
  Text,
  TextInput,
} from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import classes from "#/account/account.module.css";
import { ProblemDetail } from "#/account/problem-detail";
import { useScopeName } from "#/account/scopes";
import { type Scope, useUser } from "#/account/session";
import { api } from "#/api/client";
import { answered } from "#/api/problem";

const LIFETIMES = ["30", "90", "365", ""] as const;

/** Makes an API key; its secret is shown once. */
export function NewKeyDialog({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  const { t } = useTranslation();
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      title={t("account.keys.make")}
      closeButtonProps={{ "aria-label": t("shell.close") }}
      closeOnClickOutside={false}
    >
      <KeyForm onClose={onClose} />
    </Modal>
  );
}

function KeyForm({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation();
  const scopeName = useScopeName();
  const queries = useQueryClient();
  const own = useUser()?.scopes ?? [];
  const [name, setName] = useState("");
  const [scopes, setScopes] = useState<Scope[]>([]);
  const [days, setDays] = useState<string>("90");
  const making = useMutation({
    mutationFn: () =>
      answered(
        api.POST("/api/v1/keys", { body: { name, scopes, expires_in_days: days ? Number(days) : null } }),
      ),
    onSuccess: () => queries.invalidateQueries({ queryKey: ["keys"] }),
    meta: { told: true },
  });
  if (making.data) return <Secret secret={making.data.secret} onClose={onClose} />;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    making.mutate();
  };
  return (
    <form onSubmit={submit}>
      <Stack>
        <ProblemDetail error={making.error} />
        <TextInput
          label={t("account.keys.name")}
          description={t("account.keys.nameText")}
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
          maxLength={64}
          required
          withAsterisk={false}
          data-autofocus
        />
        <Checkbox.Group
          label={t("account.keys.scopes")}
          value={scopes}
          onChange={(chosen) => setScopes(own.filter((scope) => chosen.includes(scope)))}
        >
          <Stack gap={6} mt={6}>
            {own.map((scope) => (
              <Checkbox key={scope} value={scope} label={scopeName(scope)} />
            ))}
          </Stack>
        </Checkbox.Group>
        <Select
          label={t("account.keys.lifetime")}
          value={days}
          onChange={(chosen) => setDays(chosen ?? "")}
          data={LIFETIMES.map((one) => ({
            value: one,
            label: one ? t("account.keys.days", { count: Number(one) }) : t("account.keys.forever"),
          }))}
          allowDeselect={false}
        />
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            {t("shell.cancel")}
          </Button>
          <Button type="submit" loading={making.isPending} disabled={!name.trim() || scopes.length === 0}>
            {t("account.keys.submit")}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

function Secret({ secret, onClose }: { secret: string; onClose: () => void }) {
  const { t } = useTranslation();
  return (
    <Stack>
      <Alert color="ochre">{t("account.keys.once")}</Alert>
      <Text className={classes.secret} data-testid="key-secret">
        {secret}
      </Text>
      <Group justify="flex-end">
        <CopyButton value={secret}>
          {({ copied, copy }) => (
            <Button variant="default" onClick={copy}>
              {t(copied ? "account.keys.copied" : "account.keys.copy")}
            </Button>
          )}
        </CopyButton>
        <Button onClick={onClose}>{t("shell.close")}</Button>
      </Group>
    </Stack>
  );
}
