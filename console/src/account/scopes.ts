import { useTranslation } from "react-i18next";
import type { Scope } from "#/account/session";
import type { accountTexts } from "#/account/texts";

type ScopeText = keyof (typeof accountTexts)["en"]["scopes"];

/** What a scope allows, in words. */
export function useScopeName(): (scope: Scope) => string {
  const { t } = useTranslation();
  // To i18next a colon ends the name of a namespace.
  return (scope) => {
    const name = scope.replace(":", "_") as ScopeText;
    return t(`account.scopes.${name}`);
  };
}
