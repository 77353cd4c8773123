import { useSyncExternalStore } from "react";
import { currentSession, onSession } from "#/api/session";
import type { User } from "#/api/types";

export type Scope = User["scopes"][number];

export function useSession() {
  return useSyncExternalStore(onSession, currentSession);
}

export function useUser(): User | null {
  const session = useSession();
  return session.kind === "user" ? session.user : null;
}

/** Whether whoever is logged in may do this. The server decides; the console only does not offer what it would refuse. */
export function useMay(scope: Scope): boolean {
  return useUser()?.scopes.includes(scope) ?? false;
}
