import { Checkbox } from "@mantine/core";
import { useTranslation } from "react-i18next";
import type { Consent } from "#/swap/types";

interface PurposeCheckProps {
  consent: Consent;
  checked: boolean;
  onChange: (checked: boolean) => void;
}

/** Whoever swaps says what for; the server refuses any purpose but the consent's. */
export function PurposeCheck({ consent, checked, onChange }: PurposeCheckProps) {
  const { t } = useTranslation();
  return (
    <Checkbox
      label={t("swap.purpose", { purpose: consent.purpose })}
      checked={checked}
      onChange={(event) => onChange(event.currentTarget.checked)}
    />
  );
}
