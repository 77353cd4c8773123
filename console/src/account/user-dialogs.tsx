import { Button, Group, Modal, PasswordInput, Select, Stack, TextInput } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, type ReactNode, useState } from "react";
import { useTranslation } from "react-i18next";
import { ProblemDetail } from "#/account/problem-detail";
import { ROLES } from "#/account/roles";
import { api } from "#/api/client";
import { answered } from "#/api/problem";
import type { User } from "#/api/types";
import { toastDone } from "#/shell/problem";

interface DialogProps {
  title: string;
  opened: boolean;
  onClose: () => void;
  children: ReactNode;
}

function Dialog({ title, opened, onClose, children }: DialogProps) {
  const { t } = useTranslation();
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      title={title}
      closeButtonProps={{ "aria-label": t("shell.close") }}
    >
      {children}
    </Modal>
  );
}

export function NewUserDialog({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  const { t } = useTranslation();
  return (
    <Dialog title={t("account.users.make")} opened={opened} onClose={onClose}>
      <NewUserForm onClose={onClose} />
    </Dialog>
  );
}

function NewUserForm({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const [name, setName] = useState("");
  const [password, setPassword] = useState("");
  const [role, setRole] = useState<User["role"]>("viewer");
  const making = useMutation({
    mutationFn: () => answered(api.POST("/api/v1/users/", { body: { name, password, role } })),
    onSuccess: async () => {
      toastDone(t("account.users.made", { name }));
      onClose();
      await queries.invalidateQueries({ queryKey: ["users"] });
    },
    meta: { told: true },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    making.mutate();
  };
  return (
    <form onSubmit={submit}>
      <Stack>
        <ProblemDetail error={making.error} />
        <TextInput
          label={t("account.name")}
          autoComplete="off"
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
          required
          withAsterisk={false}
          data-autofocus
        />
        <FirstPassword value={password} onChange={setPassword} />
        <Select
          label={t("account.users.role")}
          description={t(`account.roleTexts.${role}`)}
          value={role}
          onChange={(chosen) => setRole(ROLES.find((one) => one === chosen) ?? "viewer")}
          data={ROLES.map((one) => ({ value: one, label: t(`account.roles.${one}`) }))}
          allowDeselect={false}
        />
        <Buttons busy={making.isPending} ready={Boolean(name.trim() && password)} onClose={onClose} />
      </Stack>
    </form>
  );
}

export function ResetPasswordDialog({ user, onClose }: { user: User | null; onClose: () => void }) {
  const { t } = useTranslation();
  return (
    <Dialog title={t("account.users.reset")} opened={user !== null} onClose={onClose}>
      {user && <ResetForm user={user} onClose={onClose} />}
    </Dialog>
  );
}

function ResetForm({ user, onClose }: { user: User; onClose: () => void }) {
  const { t } = useTranslation();
  const [password, setPassword] = useState("");
  const reset = useMutation({
    mutationFn: () =>
      answered(
        api.PUT("/api/v1/users/{user_id}", {
          params: { path: { user_id: user.user_id ?? "" } },
          body: { password },
        }),
      ),
    onSuccess: () => {
      toastDone(t("account.users.wasReset", { name: user.name }));
      onClose();
    },
    meta: { told: true },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    reset.mutate();
  };
  return (
    <form onSubmit={submit}>
      <Stack>
        <ProblemDetail error={reset.error} />
        <FirstPassword value={password} onChange={setPassword} />
        <Buttons busy={reset.isPending} ready={password !== ""} onClose={onClose} />
      </Stack>
    </form>
  );
}

function FirstPassword({ value, onChange }: { value: string; onChange: (value: string) => void }) {
  const { t } = useTranslation();
  return (
    <PasswordInput
      label={t("account.users.firstPassword")}
      description={t("account.users.firstPasswordText")}
      autoComplete="new-password"
      value={value}
      onChange={(event) => onChange(event.currentTarget.value)}
      required
      withAsterisk={false}
    />
  );
}

function Buttons({ busy, ready, onClose }: { busy: boolean; ready: boolean; onClose: () => void }) {
  const { t } = useTranslation();
  return (
    <Group justify="flex-end">
      <Button variant="default" onClick={onClose}>
        {t("shell.cancel")}
      </Button>
      <Button type="submit" loading={busy} disabled={!ready}>
        {t("account.users.save")}
      </Button>
    </Group>
  );
}
