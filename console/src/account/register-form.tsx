import { Anchor } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { DoorCard } from "#/account/door-card";
import { NewAccountForm } from "#/account/new-account-form";
import { openApi } from "#/account/queries";
import { answered } from "#/api/problem";

export function RegisterForm({ onBack }: { onBack: () => void }) {
  const { t } = useTranslation();
  return (
    <DoorCard title={t("account.register.title")} text={t("account.register.text")}>
      <NewAccountForm
        submit={t("account.register.submit")}
        create={(name, password) =>
          answered(openApi.POST("/api/v1/users/", { body: { name, password, role: "viewer" } }))
        }
      />
      <Anchor component="button" type="button" size="sm" onClick={onBack}>
        {t("account.register.back")}
      </Anchor>
    </DoorCard>
  );
}
