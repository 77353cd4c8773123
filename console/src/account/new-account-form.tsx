import { Button, Stack, TextInput } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { PasswordFields } from "#/account/password-fields";
import { ProblemDetail } from "#/account/problem-detail";
import { setupQuery } from "#/account/queries";
import { logIn } from "#/api/session";

interface NewAccountFormProps {
  create: (name: string, password: string) => Promise<unknown>;
  submit: string;
}

/** Makes an account and logs in with it. */
export function NewAccountForm({ create, submit }: NewAccountFormProps) {
  const { t } = useTranslation();
  const setup = useQuery(setupQuery);
  const [name, setName] = useState("");
  const [password, setPassword] = useState("");
  const [repeated, setRepeated] = useState("");
  const minChars = setup.data?.password_min_chars ?? 10;
  const making = useMutation({
    mutationFn: async () => {
      await create(name, password);
      await logIn(name, password);
    },
    meta: { told: true },
  });
  const onSubmit = (event: FormEvent) => {
    event.preventDefault();
    making.mutate();
  };
  return (
    <form onSubmit={onSubmit}>
      <Stack>
        <ProblemDetail error={making.error} />
        <TextInput
          label={t("account.name")}
          autoComplete="username"
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
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
          fullWidth
          loading={making.isPending}
          disabled={!name.trim() || [...password].length < minChars || password !== repeated}
        >
          {submit}
        </Button>
      </Stack>
    </form>
  );
}
