import { Button, Center, Group, SegmentedControl, Skeleton, Stack, Text } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { FileCheck, FilePlus } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useMay } from "#/account/session";
import { EmptyState } from "#/shell/empty-state";
import { PageHeader } from "#/shell/page-header";
import { ProblemAlert } from "#/shell/problem";
import { useShortcuts } from "#/shell/shortcuts";
import { ConsentCard } from "#/swap/consents/consent-card";
import classes from "#/swap/consents/consents.module.css";
import { consentsQuery } from "#/swap/consents/queries";
import { RecordDialog } from "#/swap/consents/record-dialog";
import { policyQuery } from "#/swap/queries";
import { SwapsOff } from "#/swap/swaps-off";

const SHOWN = ["valid", "all"] as const;
const PLACEHOLDERS = ["a", "b", "c", "d"];

/** Whose face may be used, for what and until when. */
export function ConsentsPage() {
  const { t } = useTranslation();
  const [recording, dialog] = useDisclosure(false);
  const [shown, setShown] = useState<(typeof SHOWN)[number]>("valid");
  const policy = useQuery(policyQuery);
  const mayManage = useMay("swap:manage");
  const mayRecord = mayManage && policy.data?.enabled === true;
  useShortcuts({ n: () => mayRecord && dialog.open() });
  const button = mayRecord && (
    <Button leftSection={<FilePlus size={18} />} onClick={dialog.open}>
      {t("consents.record.open")}
    </Button>
  );
  return (
    <>
      <PageHeader title={t("consents.title")} intro={t("consents.intro")}>
        {button}
      </PageHeader>
      <Stack gap="lg">
        {policy.error && <ProblemAlert error={policy.error} onRetry={() => void policy.refetch()} />}
        {policy.data?.enabled === false && <SwapsOff />}
        <Group justify="space-between" gap="sm">
          <SegmentedControl
            aria-label={t("consents.filter.label")}
            value={shown}
            onChange={(value) => setShown(SHOWN.find((one) => one === value) ?? "valid")}
            data={SHOWN.map((one) => ({ value: one, label: t(`consents.filter.${one}`) }))}
          />
          {mayManage && policy.data?.enabled && <WhoMaySwap />}
        </Group>
        <ConsentList valid={shown === "valid"} />
      </Stack>
      <RecordDialog opened={recording} onClose={dialog.close} />
    </>
  );
}

/** No role may swap faces: whoever runs the server gives that by name. */
function WhoMaySwap() {
  const { t } = useTranslation();
  const maySwap = useMay("swap");
  const mayGrant = useMay("users:manage");
  if (maySwap || !mayGrant) return null;
  return (
    <Text size="sm" c="dimmed">
      {t("consents.grant")}{" "}
      <Link to="/users" className={classes.link}>
        {t("shell.pages.users")}
      </Link>
    </Text>
  );
}

function ConsentList({ valid }: { valid: boolean }) {
  const { t } = useTranslation();
  const list = useInfiniteQuery(consentsQuery({ valid, personId: null }));
  if (list.isPending) {
    return (
      <div className={classes.grid} aria-busy="true">
        {PLACEHOLDERS.map((key) => (
          <Skeleton key={key} height={190} radius="lg" />
        ))}
      </div>
    );
  }
  if (!list.data) return <ProblemAlert error={list.error} onRetry={() => void list.refetch()} />;
  const consents = list.data.pages.flatMap((page) => page.consents);
  if (consents.length === 0) {
    return (
      <EmptyState
        icon={FileCheck}
        title={t(valid ? "consents.empty.valid" : "consents.empty.all")}
        text={t("consents.empty.text")}
      />
    );
  }
  return (
    <section aria-label={t("consents.title")}>
      {list.error && <ProblemAlert error={list.error} onRetry={() => void list.refetch()} />}
      <ul className={classes.grid}>
        {consents.map((consent) => (
          <ConsentCard key={consent.consent_id} consent={consent} />
        ))}
      </ul>
      {list.hasNextPage && (
        <Center py="lg">
          <Button
            variant="default"
            loading={list.isFetchingNextPage}
            onClick={() => void list.fetchNextPage()}
          >
            {t("consents.more")}
          </Button>
        </Center>
      )}
    </section>
  );
}
