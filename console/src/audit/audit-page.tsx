import { Button, Center, Skeleton, Stack } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useInfiniteQuery, useQueryClient } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { ListFilter, RefreshCw, ScrollText, ShieldCheck } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { AuditEvent } from "#/api/types";
import { EventDialog } from "#/audit/event-dialog";
import { EventTable } from "#/audit/event-table";
import { type EventFilter, isSame } from "#/audit/filter";
import { FilterForm } from "#/audit/filter-form";
import { eventsQuery } from "#/audit/queries";
import { VerifyDialog } from "#/audit/verify-dialog";
import { EmptyState } from "#/shell/empty-state";
import { PageHeader } from "#/shell/page-header";
import { ProblemAlert } from "#/shell/problem";

const route = getRouteApi("/audit");

export function AuditPage() {
  const { t } = useTranslation();
  const filter = route.useSearch();
  const navigate = route.useNavigate();
  const client = useQueryClient();
  const [opened, setOpened] = useState<AuditEvent | null>(null);
  const [filterShown, filtering] = useDisclosure(Object.keys(filter).length > 0);
  const [verifying, verification] = useDisclosure(false);
  const list = useInfiniteQuery(eventsQuery(filter));
  const events = list.data?.pages.flatMap((page) => page.events) ?? [];
  // From the newest entry on, rather than all pages that were ever opened.
  const refresh = () => void client.resetQueries({ queryKey: ["audit"] });
  const show = (next: EventFilter) => {
    setOpened(null);
    if (isSame(next, filter)) refresh();
    else void navigate({ search: next });
  };
  return (
    <>
      <PageHeader title={t("audit.title")} intro={t("audit.intro")}>
        <Button
          variant="default"
          hiddenFrom="sm"
          leftSection={<ListFilter size={17} />}
          aria-expanded={filterShown}
          onClick={filtering.toggle}
        >
          {t("audit.filter.label")}
        </Button>
        <Button
          variant="default"
          leftSection={<RefreshCw size={17} />}
          loading={list.isFetching && !list.isFetchingNextPage}
          onClick={refresh}
        >
          {t("audit.refresh")}
        </Button>
        <Button leftSection={<ShieldCheck size={18} />} onClick={verification.open}>
          {t("audit.verify.open")}
        </Button>
      </PageHeader>
      <Stack gap="lg">
        <FilterForm key={JSON.stringify(filter)} filter={filter} shown={filterShown} onShow={show} />
        {list.isPending && <Skeleton height={320} radius="lg" />}
        {list.error && (
          <ProblemAlert
            error={list.error}
            onRetry={() => void (list.data ? list.fetchNextPage() : list.refetch())}
          />
        )}
        {list.data && events.length === 0 && (
          <EmptyState icon={ScrollText} title={t("audit.empty.title")} text={t("audit.empty.text")} />
        )}
        {events.length > 0 && <EventTable events={events} onOpen={setOpened} />}
        {list.hasNextPage && (
          <Center pb="xl">
            <Button
              variant="default"
              loading={list.isFetchingNextPage}
              onClick={() => void list.fetchNextPage()}
            >
              {t("audit.more")}
            </Button>
          </Center>
        )}
      </Stack>
      <EventDialog event={opened} onShow={show} onClose={() => setOpened(null)} />
      <VerifyDialog opened={verifying} onClose={verification.close} />
    </>
  );
}
