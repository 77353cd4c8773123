import { Badge, Button, Group, Skeleton, Stack, Table, Text, Title } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import classes from "#/account/account.module.css";
import { KeyList } from "#/account/key-list";
import { PasswordForm } from "#/account/password-form";
import { sessionsQuery } from "#/account/queries";
import { useUser } from "#/account/session";
import { api } from "#/api/client";
import { answered } from "#/api/problem";
import type { LoginSession } from "#/api/types";
import { useFormat } from "#/i18n/format";
import { PageHeader } from "#/shell/page-header";
import { ProblemAlert } from "#/shell/problem";

export function ProfilePage() {
  const { t } = useTranslation();
  const user = useUser();
  return (
    <>
      <PageHeader
        title={t("account.profile")}
        intro={user ? `${user.name} · ${t(`account.roles.${user.role}`)}` : ""}
      />
      <Stack gap="xl">
        <KeyList everybody={false} />
        <Sessions />
        <Stack
          component="section"
          className="surface"
          p="lg"
          maw={480}
          aria-label={t("account.changePassword")}
        >
          <Title order={2} size="h4">
            {t("account.changePassword")}
          </Title>
          <PasswordForm />
        </Stack>
      </Stack>
    </>
  );
}

function Sessions() {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const sessions = useQuery(sessionsQuery);
  const refresh = () => queries.invalidateQueries({ queryKey: ["sessions"] });
  const endOthers = useMutation({
    mutationFn: () => answered(api.DELETE("/api/v1/users/me/sessions")),
    onSuccess: refresh,
  });
  return (
    <Stack component="section" className="surface" p="lg" aria-label={t("account.sessions.title")}>
      <Group justify="space-between">
        <Title order={2} size="h4">
          {t("account.sessions.title")}
        </Title>
        {(sessions.data?.length ?? 0) > 1 && (
          <Button
            size="xs"
            variant="default"
            loading={endOthers.isPending}
            onClick={() => endOthers.mutate()}
          >
            {t("account.sessions.endOthers")}
          </Button>
        )}
      </Group>
      {sessions.isPending && <Skeleton height={60} />}
      {sessions.error && <ProblemAlert error={sessions.error} onRetry={() => void sessions.refetch()} />}
      {sessions.data && (
        <Table verticalSpacing="xs">
          <Table.Tbody>
            {sessions.data.map((one) => (
              <SessionRow key={one.session_id} session={one} onEnded={refresh} />
            ))}
          </Table.Tbody>
        </Table>
      )}
    </Stack>
  );
}

function SessionRow({ session, onEnded }: { session: LoginSession; onEnded: () => void }) {
  const { t } = useTranslation();
  const format = useFormat();
  const end = useMutation({
    mutationFn: () =>
      answered(
        api.DELETE("/api/v1/users/me/sessions/{session_id}", {
          params: { path: { session_id: session.session_id } },
        }),
      ),
    onSuccess: onEnded,
  });
  return (
    <Table.Tr>
      <Table.Td>
        <Text size="sm" lineClamp={2} title={session.client} className={classes.client}>
          {session.client}
        </Text>
        <Text size="xs" c="dimmed">
          {t("account.sessions.used", { moment: format.dateTime(session.used_at) })}
        </Text>
      </Table.Td>
      <Table.Td align="right">
        {session.is_current ? (
          <Badge variant="light" miw="max-content">
            {t("account.sessions.current")}
          </Badge>
        ) : (
          <Button size="compact-sm" variant="default" loading={end.isPending} onClick={() => end.mutate()}>
            {t("account.sessions.end")}
          </Button>
        )}
      </Table.Td>
    </Table.Tr>
  );
}
