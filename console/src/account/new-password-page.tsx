import { Anchor } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { DoorCard } from "#/account/door-card";
import { PasswordForm } from "#/account/password-form";
import { logOut } from "#/api/session";

/** Until a password that somebody else chose is changed there is nothing else to do here. */
export function NewPasswordPage() {
  const { t } = useTranslation();
  return (
    <DoorCard title={t("account.mustChange.title")} text={t("account.mustChange.text")}>
      <PasswordForm />
      <Anchor component="button" type="button" size="sm" onClick={() => void logOut()}>
        {t("account.logOut")}
      </Anchor>
    </DoorCard>
  );
}
