import { Button, Center, ScrollArea, SegmentedControl, Stack, Table, Text } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { warningsOf } from "#/api/problem";
import type { Job, JobItem } from "#/api/types";
import { itemStatus } from "#/jobs/job-progress";
import { useJobItems } from "#/jobs/queries";
import { ProblemAlert } from "#/shell/problem";
import { WarningList } from "#/shell/warnings";

const failed = new Set(["failed", "refused"]);

/** What became of each item of a job; the failed ones can be looked at alone. */
export function JobItems({ job }: { job: Job }) {
  const { t } = useTranslation();
  const [status, setStatus] = useState<string>("");
  const list = useJobItems(job, status || null);
  const kinds = Object.keys(job.items);
  if (kinds.length === 0) return null;
  const items = list.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <Stack gap="xs">
      {kinds.length > 1 && (
        <SegmentedControl
          aria-label={t("jobs.filter")}
          size="xs"
          value={status}
          onChange={setStatus}
          data={[
            { value: "", label: t("jobs.all") },
            ...kinds.map((kind) => ({ value: kind, label: `${itemStatus(t, kind)} (${job.items[kind]})` })),
          ]}
          style={{ alignSelf: "start" }}
        />
      )}
      {list.error && <ProblemAlert error={list.error} onRetry={() => void list.refetch()} />}
      <ScrollArea.Autosize mah={420} className="surface">
        <Table stickyHeader verticalSpacing={6}>
          <Table.Thead>
            <Table.Tr>
              <Table.Th>{t("jobs.item")}</Table.Th>
              <Table.Th>{t("jobs.outcome")}</Table.Th>
              <Table.Th>{t("jobs.detail")}</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {items.map((item) => (
              <Table.Tr key={item.position} data-testid="job-item">
                <Table.Td style={{ overflowWrap: "anywhere" }}>
                  <ItemName item={item} />
                </Table.Td>
                <Table.Td>
                  <Text size="sm" c={failed.has(item.status) ? "var(--mantine-color-error)" : undefined}>
                    {itemStatus(t, item.status)}
                  </Text>
                </Table.Td>
                <Table.Td>
                  <ItemDetail item={item} />
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
        {list.hasNextPage && (
          <Center p="sm">
            <Button
              size="xs"
              variant="default"
              loading={list.isFetchingNextPage}
              onClick={() => void list.fetchNextPage()}
            >
              {t("jobs.more")}
            </Button>
          </Center>
        )}
      </ScrollArea.Autosize>
    </Stack>
  );
}

const withPerson = new Set(["enrolled", "duplicate", "imported", "merged"]);

/** The way to the person whom it was enrolled as. */
function ItemName({ item }: { item: JobItem }) {
  const { person_id: personId } = item.detail;
  if (typeof personId !== "string" || !withPerson.has(item.status)) return <>{item.name}</>;
  return (
    <Text
      size="sm"
      c="inherit"
      td="underline"
      renderRoot={(props) => <Link {...props} to="/gallery/$personId" params={{ personId }} />}
    >
      {item.name}
    </Text>
  );
}

function ItemDetail({ item }: { item: JobItem }) {
  const { t } = useTranslation();
  const { code, message } = item.detail;
  const warnings = warningsOf(item.detail.warnings);
  if (warnings.length > 0) return <WarningList warnings={warnings} />;
  if (typeof code !== "string" && typeof message !== "string") return null;
  const title =
    typeof code === "string"
      ? t(`problem.titles.${code}` as "problem.titles.several_faces", { defaultValue: "" })
      : "";
  return (
    <>
      <Text size="sm">{title || (typeof message === "string" ? message : "")}</Text>
      {typeof code === "string" && (
        <Text size="xs" c="dimmed">
          <code>{code}</code>
        </Text>
      )}
    </>
  );
}
