import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { api } from "#/api/client";
import { answered } from "#/api/problem";
import type { User } from "#/api/types";
import { ConfirmDialog } from "#/shell/confirm-dialog";
import { toastDone } from "#/shell/problem";

/** No role may swap faces: it is given to a user by name, and taken away. */
export function maySwap(user: User): boolean {
  return user.granted_scopes.includes("swap");
}

export function GrantSwapDialog({ user, onClose }: { user: User; onClose: () => void }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const isTaken = maySwap(user);
  const { name } = user;
  const others = user.granted_scopes.filter((scope) => scope !== "swap");
  const change = useMutation({
    mutationFn: () =>
      answered(
        api.PUT("/api/v1/users/{user_id}", {
          params: { path: { user_id: user.user_id ?? "" } },
          body: { granted_scopes: isTaken ? others : [...others, "swap"] },
        }),
      ),
    onSuccess: async () => {
      toastDone(t(isTaken ? "account.users.swap.taken" : "account.users.swap.given", { name }));
      onClose();
      await queries.invalidateQueries({ queryKey: ["users"] });
    },
  });
  return (
    <ConfirmDialog
      opened
      title={t(isTaken ? "account.users.swap.take" : "account.users.swap.give")}
      text={t(isTaken ? "account.users.swap.takeText" : "account.users.swap.giveText", { name })}
      confirm={t(isTaken ? "account.users.swap.take" : "account.users.swap.give")}
      busy={change.isPending}
      onClose={onClose}
      onConfirm={() => change.mutate()}
    />
  );
}
