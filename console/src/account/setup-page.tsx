import { Alert, Anchor } from "@mantine/core";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { DoorCard } from "#/account/door-card";
import { NewAccountForm } from "#/account/new-account-form";
import { openApi } from "#/account/queries";
import { answered } from "#/api/problem";

/** Where the one-time link leads that the server prints at its first start: makes the first administrator. */
export function SetupPage() {
  const { t } = useTranslation();
  const [setupToken] = useState(takenToken);
  const create = async (name: string, password: string) => {
    await answered(
      openApi.POST("/api/v1/users/setup", { body: { setup_token: setupToken, name, password } }),
    );
    window.history.replaceState(null, "", "/");
  };
  return (
    <DoorCard title={t("account.setup.title")} text={t("account.setup.text")}>
      {setupToken ? (
        <NewAccountForm submit={t("account.setup.submit")} create={create} />
      ) : (
        <Alert color="ochre">{t("account.setup.noToken")}</Alert>
      )}
      <Anchor href="/" size="sm">
        {t("account.register.back")}
      </Anchor>
    </DoorCard>
  );
}

/** The part behind the #, which browsers send to no server; it goes out of the address, and so of the history. */
function takenToken(): string {
  const taken = window.location.hash.slice(1);
  if (taken) window.history.replaceState(null, "", window.location.pathname);
  return taken;
}
