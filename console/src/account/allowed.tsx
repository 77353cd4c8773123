import { ShieldAlert } from "lucide-react";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { type Scope, useMay } from "#/account/session";
import { EmptyState } from "#/shell/empty-state";

/** What needs a scope is not offered to whoever has it not. */
export function Allowed({ scope, children }: { scope: Scope; children: ReactNode }) {
  return useMay(scope) ? children : null;
}

/** Where a whole page needs it: somebody may have followed a link. */
export function NotAllowed() {
  const { t } = useTranslation();
  return (
    <EmptyState
      icon={ShieldAlert}
      title={t("account.notAllowed.title")}
      text={t("account.notAllowed.text")}
    />
  );
}
