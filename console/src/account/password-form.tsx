import { Button, PasswordInput, Stack } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { PasswordFields } from "#/account/password-fields";
import { ProblemDetail } from "#/account/problem-detail";
import { setupQuery } from "#/account/queries";
import { api } from "#/api/client";
import { answered } from "#/api/problem";
import { readUser } from "#/api/session";

/** Changes one's own password. All other logins of the user end. */
export function PasswordForm() {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const setup = useQuery(setupQuery);
  const minChars = setup.data?.password_min_chars ?? 10;
  const [current, setCurrent] = useState("");
  const [password, setPassword] = useState("");
  const [repeated, setRepeated] = useState("");
  const change = useMutation({
    mutationFn: async () => {
      const body = { current_password: current, new_password: password };
      await answered(api.PUT("/api/v1/users/me/password", { body }));
      await readUser();
    },
    onSuccess: async () => {
      for (const clear of [setCurrent, setPassword, setRepeated]) clear("");
      notifications.show({ message: t("account.passwordChanged") });
      await queries.invalidateQueries({ queryKey: ["sessions"] });
    },
    meta: { told: true },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    change.mutate();
  };
  return (
    <form onSubmit={submit}>
      <Stack>
        <ProblemDetail error={change.error} />
        <PasswordInput
          label={t("account.currentPassword")}
          autoComplete="current-password"
          value={current}
          onChange={(event) => setCurrent(event.currentTarget.value)}
          required
          withAsterisk={false}
        />
        <PasswordFields
          value={password}
          repeated={repeated}
          onChange={setPassword}
          onRepeat={setRepeated}
          minChars={minChars}
        />
        <Button
          type="submit"
          loading={change.isPending}
          disabled={!current || [...password].length < minChars || password !== repeated}
        >
          {t("account.changePassword")}
        </Button>
      </Stack>
    </form>
  );
}
