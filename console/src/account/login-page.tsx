import { Alert, Anchor, Button, PasswordInput, Stack, TextInput } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { DoorCard } from "#/account/door-card";
import { ProblemDetail } from "#/account/problem-detail";
import { setupQuery } from "#/account/queries";
import { RegisterForm } from "#/account/register-form";
import { logIn } from "#/api/session";

export function LoginPage({ ended }: { ended: boolean }) {
  const { t } = useTranslation();
  const [name, setName] = useState("");
  const [password, setPassword] = useState("");
  const [registering, setRegistering] = useState(false);
  const setup = useQuery(setupQuery);
  const login = useMutation({ mutationFn: () => logIn(name, password), meta: { told: true } });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    login.mutate();
  };
  if (registering) return <RegisterForm onBack={() => setRegistering(false)} />;
  return (
    <DoorCard title={t("account.login.title")}>
      <form onSubmit={submit}>
        <Stack>
          {ended && !login.isError && <Alert color="ochre">{t("account.login.ended")}</Alert>}
          {setup.data?.setup_needed && <Alert color="ochre">{t("account.login.setupNeeded")}</Alert>}
          <ProblemDetail error={login.error} />
          <TextInput
            label={t("account.name")}
            autoComplete="username"
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
            required
            withAsterisk={false}
            data-autofocus
          />
          <PasswordInput
            label={t("account.password")}
            autoComplete="current-password"
            value={password}
            onChange={(event) => setPassword(event.currentTarget.value)}
            required
            withAsterisk={false}
          />
          <Button type="submit" loading={login.isPending} fullWidth>
            {t("account.login.submit")}
          </Button>
          {setup.data?.registration === "open" && (
            <Anchor component="button" type="button" size="sm" onClick={() => setRegistering(true)}>
              {t("account.register.offer")}
            </Anchor>
          )}
        </Stack>
      </form>
    </DoorCard>
  );
}
