import { ActionIcon, Badge, Button, Menu, Select, Skeleton, Stack, Table, Text } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { MoreHorizontal, UserPlus } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { GrantSwapDialog, maySwap } from "#/account/grant-swap-dialog";
import { KeyList } from "#/account/key-list";
import { usersQuery } from "#/account/queries";
import { ROLES } from "#/account/roles";
import { useUser } from "#/account/session";
import { NewUserDialog, ResetPasswordDialog } from "#/account/user-dialogs";
import { api } from "#/api/client";
import { answered } from "#/api/problem";
import type { User } from "#/api/types";
import { useFormat } from "#/i18n/format";
import { ConfirmDialog } from "#/shell/confirm-dialog";
import { PageHeader } from "#/shell/page-header";
import { ProblemAlert, toastDone } from "#/shell/problem";

export function UsersPage() {
  const { t } = useTranslation();
  const [making, dialog] = useDisclosure(false);
  const [resetting, setResetting] = useState<User | null>(null);
  const [granting, setGranting] = useState<User | null>(null);
  const [removed, setRemoved] = useState<User | null>(null);
  const queries = useQueryClient();
  const users = useQuery(usersQuery);
  const remove = useMutation({
    mutationFn: (user: User) =>
      answered(api.DELETE("/api/v1/users/{user_id}", { params: { path: { user_id: user.user_id ?? "" } } })),
    onSuccess: async (_answer, user) => {
      setRemoved(null);
      toastDone(t("account.users.removed", { name: user.name }));
      await queries.invalidateQueries({ queryKey: ["users"] });
    },
  });
  return (
    <>
      <PageHeader title={t("account.users.title")} intro={t("account.users.intro")}>
        <Button leftSection={<UserPlus size={18} />} onClick={dialog.open}>
          {t("account.users.make")}
        </Button>
      </PageHeader>
      <Stack gap="xl">
        {users.isPending && <Skeleton height={160} radius="lg" />}
        {users.error && <ProblemAlert error={users.error} onRetry={() => void users.refetch()} />}
        {users.data && (
          <Table.ScrollContainer minWidth={620} className="surface">
            <Table verticalSpacing="sm" highlightOnHover>
              <Table.Thead>
                <Table.Tr>
                  <Table.Th>{t("account.name")}</Table.Th>
                  <Table.Th>{t("account.users.role")}</Table.Th>
                  <Table.Th>{t("account.users.lastLogin")}</Table.Th>
                  <Table.Th aria-label={t("account.users.actions")} />
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {users.data.map((user) => (
                  <UserRow
                    key={user.user_id}
                    user={user}
                    onReset={() => setResetting(user)}
                    onGrant={() => setGranting(user)}
                    onRemove={() => setRemoved(user)}
                  />
                ))}
              </Table.Tbody>
            </Table>
          </Table.ScrollContainer>
        )}
        <KeyList everybody />
      </Stack>
      <NewUserDialog opened={making} onClose={dialog.close} />
      {granting && <GrantSwapDialog user={granting} onClose={() => setGranting(null)} />}
      <ResetPasswordDialog user={resetting} onClose={() => setResetting(null)} />
      <ConfirmDialog
        opened={removed !== null}
        title={t("account.users.removeTitle")}
        text={t("account.users.removeText", { name: removed?.name ?? "" })}
        confirm={t("account.users.remove")}
        busy={remove.isPending}
        onConfirm={() => removed && remove.mutate(removed)}
        onClose={() => setRemoved(null)}
      />
    </>
  );
}

interface UserRowProps {
  user: User;
  onReset: () => void;
  onGrant: () => void;
  onRemove: () => void;
}

function UserRow({ user, onReset, onGrant, onRemove }: UserRowProps) {
  const { t } = useTranslation();
  const format = useFormat();
  const queries = useQueryClient();
  const isSelf = useUser()?.user_id === user.user_id;
  const change = useMutation({
    mutationFn: (body: { role?: User["role"]; is_active?: boolean }) =>
      answered(
        api.PUT("/api/v1/users/{user_id}", { params: { path: { user_id: user.user_id ?? "" } }, body }),
      ),
    onSettled: () => queries.invalidateQueries({ queryKey: ["users"] }),
  });
  return (
    <Table.Tr data-testid="user-row">
      <Table.Td>
        <Text fw={600} component="span">
          {user.name}
        </Text>{" "}
        {isSelf && <Badge variant="light">{t("account.users.self")}</Badge>}{" "}
        {maySwap(user) && (
          <Badge variant="light" color="ochre">
            {t("account.users.swap.badge")}
          </Badge>
        )}{" "}
        {!user.is_active && <Badge color="gray">{t("account.users.disabled")}</Badge>}
        {user.must_change_password && <Badge color="ochre">{t("account.users.mustChange")}</Badge>}
      </Table.Td>
      <Table.Td>
        <Select
          aria-label={`${t("account.users.role")}: ${user.name}`}
          size="xs"
          w={140}
          value={user.role}
          disabled={isSelf || change.isPending}
          onChange={(role) => role && change.mutate({ role: ROLES.find((one) => one === role) })}
          data={ROLES.map((role) => ({ value: role, label: t(`account.roles.${role}`) }))}
          allowDeselect={false}
        />
      </Table.Td>
      <Table.Td>
        <Text size="sm" c="dimmed">
          {user.last_login_at ? format.dateTime(user.last_login_at) : t("account.users.never")}
        </Text>
      </Table.Td>
      <Table.Td align="right">
        <Menu position="bottom-end">
          <Menu.Target>
            <ActionIcon color="gray" aria-label={`${t("account.users.actions")}: ${user.name}`}>
              <MoreHorizontal size={18} />
            </ActionIcon>
          </Menu.Target>
          <Menu.Dropdown>
            <Menu.Item onClick={onGrant}>
              {t(maySwap(user) ? "account.users.swap.take" : "account.users.swap.give")}
            </Menu.Item>
            {!isSelf && (
              <>
                <Menu.Item onClick={onReset}>{t("account.users.reset")}</Menu.Item>
                <Menu.Item onClick={() => change.mutate({ is_active: !user.is_active })}>
                  {t(user.is_active ? "account.users.disable" : "account.users.enable")}
                </Menu.Item>
                <Menu.Item color="cinnabar" onClick={onRemove}>
                  {t("account.users.remove")}
                </Menu.Item>
              </>
            )}
          </Menu.Dropdown>
        </Menu>
      </Table.Td>
    </Table.Tr>
  );
}
