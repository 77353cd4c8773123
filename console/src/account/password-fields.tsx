import { PasswordInput } from "@mantine/core";
import { useTranslation } from "react-i18next";

interface PasswordFieldsProps {
  value: string;
  repeated: string;
  onChange: (value: string) => void;
  onRepeat: (value: string) => void;
  minChars: number;
}

/** A new password, twice. */
export function PasswordFields({ value, repeated, onChange, onRepeat, minChars }: PasswordFieldsProps) {
  const { t } = useTranslation();
  const isShort = value.length > 0 && [...value].length < minChars;
  return (
    <>
      <PasswordInput
        label={t("account.newPassword")}
        description={t("account.passwordRule", { count: minChars })}
        error={isShort ? t("account.tooShort") : null}
        autoComplete="new-password"
        value={value}
        onChange={(event) => onChange(event.currentTarget.value)}
        required
        withAsterisk={false}
      />
      <PasswordInput
        label={t("account.repeatPassword")}
        error={repeated.length > 0 && repeated !== value ? t("account.differs") : null}
        autoComplete="new-password"
        value={repeated}
        onChange={(event) => onRepeat(event.currentTarget.value)}
        required
        withAsterisk={false}
      />
    </>
  );
}
