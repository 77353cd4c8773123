import { Badge, Button, Group, Skeleton, Stack, Table, Text, Title } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Plus } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { NewKeyDialog } from "#/account/new-key-dialog";
import { keysQuery } from "#/account/queries";
import { useScopeName } from "#/account/scopes";
import { api } from "#/api/client";
import { answered } from "#/api/problem";
import type { ApiKey } from "#/api/types";
import { useFormat } from "#/i18n/format";
import { ConfirmDialog } from "#/shell/confirm-dialog";
import { ProblemAlert, toastDone } from "#/shell/problem";

/** API keys: one's own, or everybody's for administrators. */
export function KeyList({ everybody }: { everybody: boolean }) {
  const { t } = useTranslation();
  const [making, dialog] = useDisclosure(false);
  const [revoked, setRevoked] = useState<ApiKey | null>(null);
  const queries = useQueryClient();
  const keys = useQuery(keysQuery(everybody));
  const revoke = useMutation({
    mutationFn: (key: ApiKey) =>
      answered(api.DELETE("/api/v1/keys/{key_id}", { params: { path: { key_id: key.key_id } } })),
    onSuccess: async (_answer, key) => {
      setRevoked(null);
      toastDone(t("account.keys.revoked", { name: key.name }));
      await queries.invalidateQueries({ queryKey: ["keys"] });
    },
  });
  return (
    <Stack component="section" className="surface" p="lg" aria-label={t("account.keys.title")}>
      <Group justify="space-between">
        <div>
          <Title order={2} size="h4">
            {t(everybody ? "account.keys.everybody" : "account.keys.title")}
          </Title>
          {!everybody && (
            <Text size="sm" c="dimmed">
              {t("account.keys.text")}
            </Text>
          )}
        </div>
        {!everybody && (
          <Button size="sm" variant="default" leftSection={<Plus size={16} />} onClick={dialog.open}>
            {t("account.keys.make")}
          </Button>
        )}
      </Group>
      {keys.isPending && <Skeleton height={60} />}
      {keys.error && <ProblemAlert error={keys.error} onRetry={() => void keys.refetch()} />}
      {keys.data?.length === 0 && (
        <Text size="sm" c="dimmed">
          {t("account.keys.none")}
        </Text>
      )}
      {keys.data && keys.data.length > 0 && (
        <Table.ScrollContainer minWidth={620}>
          <Table verticalSpacing="xs">
            <Table.Tbody>
              {keys.data.map((key) => (
                <KeyRow key={key.key_id} apiKey={key} withUser={everybody} onRevoke={() => setRevoked(key)} />
              ))}
            </Table.Tbody>
          </Table>
        </Table.ScrollContainer>
      )}
      <NewKeyDialog opened={making} onClose={dialog.close} />
      <ConfirmDialog
        opened={revoked !== null}
        title={t("account.keys.revokeTitle")}
        text={t("account.keys.revokeText", { name: revoked?.name ?? "" })}
        confirm={t("account.keys.revoke")}
        busy={revoke.isPending}
        onConfirm={() => revoked && revoke.mutate(revoked)}
        onClose={() => setRevoked(null)}
      />
    </Stack>
  );
}

interface KeyRowProps {
  apiKey: ApiKey;
  withUser: boolean;
  onRevoke: () => void;
}

function KeyRow({ apiKey, withUser, onRevoke }: KeyRowProps) {
  const { t } = useTranslation();
  const scopeName = useScopeName();
  const format = useFormat();
  return (
    <Table.Tr data-testid="key-row">
      <Table.Td>
        <Text size="sm" fw={600}>
          {apiKey.name}
        </Text>
        <Text size="xs" c="dimmed">
          {withUser ? `${apiKey.user_name} · ` : ""}lianpu_{apiKey.prefix}_…
        </Text>
      </Table.Td>
      <Table.Td>
        <Group gap={4}>
          {apiKey.scopes.map((scope) => (
            <Badge key={scope} variant="light" size="sm" tt="none">
              {scopeName(scope)}
            </Badge>
          ))}
        </Group>
      </Table.Td>
      <Table.Td>
        <Text size="xs" c="dimmed">
          {apiKey.last_used_at
            ? t("account.keys.used", { moment: format.dateTime(apiKey.last_used_at) })
            : t("account.keys.unused")}
        </Text>
        <Text size="xs" c="dimmed">
          {apiKey.expires_at
            ? t("account.keys.until", { moment: format.dateTime(apiKey.expires_at) })
            : t("account.keys.forever")}
        </Text>
      </Table.Td>
      <Table.Td align="right">
        <Button size="compact-sm" variant="default" onClick={onRevoke}>
          {t("account.keys.revoke")}
        </Button>
      </Table.Td>
    </Table.Tr>
  );
}
