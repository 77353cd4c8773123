import { Button, Center, Group, Skeleton, Stack, Text } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useInfiniteQuery } from "@tanstack/react-query";
import { EyeOff, UserRoundCheck } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Allowed } from "#/account/allowed";
import { useFormat } from "#/i18n/format";
import { ServerImage } from "#/photo/server-image";
import { ConfirmDialog } from "#/shell/confirm-dialog";
import { EmptyState } from "#/shell/empty-state";
import { PageHeader } from "#/shell/page-header";
import { ProblemAlert, toastDone } from "#/shell/problem";
import { NameDialog, useNamed } from "#/unknowns/name-dialog";
import { type Unknown, unknownsQuery, useName, usePurge, usePurgeAll, useVeto } from "#/unknowns/queries";
import classes from "#/unknowns/unknowns.module.css";

/** People whom the streams could not name. */
export function UnknownsPage() {
  const { t } = useTranslation();
  const [asking, confirm] = useDisclosure(false);
  const list = useInfiniteQuery(unknownsQuery);
  const purge = usePurgeAll();
  const [first] = list.data?.pages ?? [];
  const unknowns = list.data?.pages.flatMap((page) => page.unknowns) ?? [];
  const total = first?.total ?? 0;
  return (
    <>
      <PageHeader
        title={t("unknowns.title")}
        intro={total ? t("unknowns.count", { count: total }) : t("unknowns.intro")}
      >
        {total > 0 && (
          <Allowed scope="streams:manage">
            <Button variant="default" onClick={confirm.open}>
              {t("unknowns.purgeAll")}
            </Button>
          </Allowed>
        )}
      </PageHeader>
      {list.isPending && <Skeleton height={280} radius="lg" />}
      {list.error && <ProblemAlert error={list.error} onRetry={() => void list.refetch()} />}
      {first && total === 0 && (
        <EmptyState
          icon={first.enabled ? UserRoundCheck : EyeOff}
          title={t(first.enabled ? "unknowns.empty.title" : "unknowns.off.title")}
          text={t(first.enabled ? "unknowns.empty.text" : "unknowns.off.text")}
        />
      )}
      <ul className={classes.grid}>
        {unknowns.map((unknown) => (
          <UnknownCard key={unknown.unknown_id} unknown={unknown} />
        ))}
      </ul>
      {list.hasNextPage && (
        <Center py="lg">
          <Button
            variant="default"
            loading={list.isFetchingNextPage}
            onClick={() => void list.fetchNextPage()}
          >
            {t("unknowns.more")}
          </Button>
        </Center>
      )}
      <ConfirmDialog
        opened={asking}
        title={t("unknowns.purgeAll")}
        text={t("unknowns.purgeAllText")}
        confirm={t("unknowns.purgeAll")}
        busy={purge.isPending}
        onConfirm={() => purge.mutate(undefined, { onSuccess: confirm.close })}
        onClose={confirm.close}
      />
    </>
  );
}

function UnknownCard({ unknown }: { unknown: Unknown }) {
  const { t } = useTranslation();
  const format = useFormat();
  const [dialog, setDialog] = useState<"name" | "purge" | null>(null);
  const purge = usePurge(unknown);
  const close = () => setDialog(null);
  return (
    <li className={`surface ${classes.card}`} data-testid="unknown">
      <ServerImage src={unknown.crop_url} alt="" className={classes.crop ?? ""} />
      <Stack gap={6} p="sm">
        <Text size="sm" fw={600}>
          {t("unknowns.sightings", { count: unknown.sightings })}
        </Text>
        <Text size="xs" c="dimmed" className="tabular">
          {t("unknowns.last", { moment: format.dateTime(unknown.last_seen_at) })}
        </Text>
        <Suggestion unknown={unknown} />
        <Group gap="xs">
          <Allowed scope="gallery:enrol">
            <Button size="xs" onClick={() => setDialog("name")}>
              {t("unknowns.name")}
            </Button>
          </Allowed>
          <Allowed scope="streams:manage">
            <Button size="xs" variant="subtle" color="cinnabar" onClick={() => setDialog("purge")}>
              {t("unknowns.purge")}
            </Button>
          </Allowed>
        </Group>
      </Stack>
      <NameDialog unknown={unknown} opened={dialog === "name"} onClose={close} />
      <ConfirmDialog
        opened={dialog === "purge"}
        title={t("unknowns.purge")}
        text={t("unknowns.purgeText")}
        confirm={t("unknowns.purge")}
        busy={purge.isPending}
        onConfirm={() => purge.mutate(undefined, { onSuccess: () => toastDone(t("unknowns.purged")) })}
        onClose={close}
      />
    </li>
  );
}

/** Whom it is most like: one click says that it is, or that it is not. */
function Suggestion({ unknown }: { unknown: Unknown }) {
  const { t } = useTranslation();
  const format = useFormat();
  const naming = useName(unknown);
  const veto = useVeto(unknown);
  const onNamed = useNamed();
  const nearest = unknown.suggestion;
  if (!nearest) return null;
  const { name, person_id: personId } = nearest;
  return (
    <div className={classes.suggestion}>
      <Text size="xs">
        {t("unknowns.nearest", {
          name,
          score: format.figure(nearest.score),
          threshold: format.figure(nearest.threshold),
        })}
      </Text>
      <Allowed scope="gallery:enrol">
        <Group gap={6} mt={6}>
          <Button
            size="compact-xs"
            variant="default"
            loading={naming.isPending}
            onClick={() => naming.mutate({ person_id: personId }, { onSuccess: onNamed })}
          >
            {t("unknowns.isThem", { name })}
          </Button>
          <Button
            size="compact-xs"
            variant="subtle"
            loading={veto.isPending}
            onClick={() =>
              veto.mutate(personId, { onSuccess: () => toastDone(t("unknowns.vetoed", { name })) })
            }
          >
            {t("unknowns.notThem", { name })}
          </Button>
        </Group>
      </Allowed>
      {(naming.error ?? veto.error) && <ProblemAlert error={naming.error ?? veto.error} />}
    </div>
  );
}
