import { Button, Center, Loader, Stack, Text } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { type ReactNode, useEffect } from "react";
import { useTranslation } from "react-i18next";
import { LoginPage } from "#/account/login-page";
import { NewPasswordPage } from "#/account/new-password-page";
import { useSession } from "#/account/session";
import { SetupPage } from "#/account/setup-page";
import { startSession } from "#/api/session";

/** Nobody sees the console who is not logged in; the address stays, so that a login leads to where one wanted to be. */
export function Door({ children }: { children: ReactNode }) {
  const { t } = useTranslation();
  const session = useSession();
  const queries = useQueryClient();
  const userId = session.kind === "user" ? session.user.user_id : null;
  // What one user was shown is nothing for the next one.
  useEffect(() => () => (userId === null ? undefined : queries.clear()), [userId, queries]);
  if (window.location.pathname === "/setup" && session.kind !== "user") return <SetupPage />;
  if (session.kind === "starting") {
    return (
      <Center h="100dvh">
        <Loader aria-label={t("account.starting")} />
      </Center>
    );
  }
  if (session.kind === "unreachable") {
    return (
      <Center h="100dvh" component="main">
        <Stack align="center">
          <Text>{t("problem.titles.server_unreachable")}</Text>
          <Button onClick={() => void startSession()}>{t("problem.retry")}</Button>
        </Stack>
      </Center>
    );
  }
  if (session.kind === "anonymous") return <LoginPage ended={session.ended} />;
  if (session.user.must_change_password) return <NewPasswordPage />;
  return children;
}
