import { useTranslation } from "react-i18next";
import type { AuditEvent } from "#/api/types";
import { auditTexts } from "#/audit/texts";

type ActionText = keyof (typeof auditTexts)["en"]["actions"];
type AreaText = keyof (typeof auditTexts)["en"]["areas"];
type KindText = keyof (typeof auditTexts)["en"]["kinds"];

/** Callers who have no name of their own. */
const NAMELESS = new Set(["anonymous", "system", "configured_key"]);

/** All acts that the console has words for, by what is acted upon; a key's first underscore is the act's dot. */
export const actionsByArea: [area: AreaText, actions: string[]][] = (() => {
  const actions = Object.keys(auditTexts.en.actions).map((key) => key.replace("_", "."));
  const areas = Object.keys(auditTexts.en.areas) as AreaText[];
  return areas.map((area) => [area, actions.filter((action) => action.startsWith(`${area}.`))]);
})();

/** An act in words; one that is newer than the console keeps its own. */
export function useActionName(): (action: string) => string {
  const { t } = useTranslation();
  return (action) => {
    const name = action.replace(".", "_") as ActionText;
    return t(`audit.actions.${name}`, { defaultValue: action });
  };
}

/** Who it was, and by what means, where that is not a login. */
export function useActor(): (actor: AuditEvent["actor"]) => { name: string; means: string | null } {
  const { t } = useTranslation();
  return ({ kind, name }) => {
    const means = t(`audit.kinds.${kind as KindText}`, { defaultValue: kind });
    if (NAMELESS.has(kind) || !name) return { name: means, means: null };
    return { name, means: kind === "user" ? null : means };
  };
}
