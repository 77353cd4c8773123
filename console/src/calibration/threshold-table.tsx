import { Badge, Button, Group, Stack, Table, Text, Title } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { useMay } from "#/account/session";
import type { CalibratedThreshold, Calibration } from "#/api/types";
import classes from "#/calibration/calibration.module.css";
import { isSame, rowsOf } from "#/calibration/rates";
import { useFormat } from "#/i18n/format";

interface ThresholdTableProps {
  report: Calibration;
  /** In use now. */
  current: number | null;
  busy: boolean;
  onApply: (threshold: number) => void;
}

/** Thresholds side by side: what each lets through and what it misses. */
export function ThresholdTable({ report, current, busy, onApply }: ThresholdTableProps) {
  const { t } = useTranslation();
  const format = useFormat();
  const mayApply = useMay("models:manage");
  return (
    <Stack component="section" gap="xs" aria-label={t("calibration.table.title")}>
      <Title order={2} size="h4">
        {t("calibration.table.title")}
      </Title>
      <Table.ScrollContainer minWidth={940} className="surface">
        <Table verticalSpacing="sm">
          <Table.Thead>
            <Table.Tr>
              <Table.Th miw={250}>{t("calibration.table.threshold")}</Table.Th>
              <Table.Th>{t("calibration.table.fmr")}</Table.Th>
              <Table.Th>{t("calibration.table.searches")}</Table.Th>
              <Table.Th>{t("calibration.table.measured")}</Table.Th>
              <Table.Th>{t("calibration.table.fnmr")}</Table.Th>
              <Table.Th />
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {rowsOf(report.thresholds).map((row) => {
              const inUse = current !== null && isSame(current, row.threshold);
              const value = format.figure(row.threshold);
              return (
                <Table.Tr
                  key={`${row.kind} ${row.threshold}`}
                  data-testid="threshold-row"
                  bg={row.kind === "proposed" ? "var(--active)" : undefined}
                >
                  <Table.Td>
                    <Group gap={8} wrap="nowrap">
                      <Text fw={600} size="sm" className="tabular">
                        {row.threshold > 1 ? "–" : value}
                      </Text>
                      <RowBadge row={row} />
                      {inUse && (
                        <Badge variant="light" color="jade" className={classes.whole}>
                          {t("calibration.table.current")}
                        </Badge>
                      )}
                    </Group>
                  </Table.Td>
                  <Table.Td>
                    <Rate rate={row.fmr} interval={row.fmr_interval} />
                  </Table.Td>
                  <Table.Td className="tabular">{perThousand(row, format)}</Table.Td>
                  <Table.Td>
                    <Rate rate={row.measured_search.rate} interval={row.measured_search.interval} />
                  </Table.Td>
                  <Table.Td>
                    {row.fnmr ? <Rate rate={row.fnmr.rate} interval={row.fnmr.interval} /> : "–"}
                  </Table.Td>
                  <Table.Td>
                    {mayApply && row.threshold <= 1 && !inUse && (
                      <Button
                        size="xs"
                        variant="default"
                        disabled={busy}
                        aria-label={t("calibration.table.useNamed", { value })}
                        onClick={() => onApply(row.threshold)}
                      >
                        {t("calibration.table.use")}
                      </Button>
                    )}
                  </Table.Td>
                </Table.Tr>
              );
            })}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
      <Text size="sm" c="dimmed">
        {t("calibration.table.note", {
          confidence: format.percent(report.confidence),
          people: format.number(report.people),
        })}
      </Text>
    </Stack>
  );
}

function perThousand(row: CalibratedThreshold, format: ReturnType<typeof useFormat>): string {
  const count = row.wrong_searches_per_1000;
  return format.number(count >= 10 ? Math.round(count) : Number(count.toPrecision(2)));
}

function RowBadge({ row }: { row: CalibratedThreshold }) {
  const { t } = useTranslation();
  const format = useFormat();
  if (row.kind === "proposed")
    return (
      <Badge variant="outline" className={classes.whole}>
        {t("calibration.table.proposed")}
      </Badge>
    );
  if (row.kind === "pack")
    return (
      <Badge variant="default" className={classes.whole}>
        {t("calibration.table.ofPack")}
      </Badge>
    );
  // What was in use when it was calibrated; the badge beside says whether it still is.
  if (row.kind === "gallery" || row.wanted_fmr === null) return null;
  return (
    <Text size="sm" c="dimmed" style={{ whiteSpace: "nowrap" }}>
      {t("calibration.table.ladder", { rate: format.rate(row.wanted_fmr) })}
    </Text>
  );
}

function Rate({ rate, interval }: { rate: number; interval: { low: number; high: number } }) {
  const { t } = useTranslation();
  const format = useFormat();
  return (
    <div className="tabular">
      <Text size="sm">{format.rate(rate)}</Text>
      <Text size="xs" c="dimmed" style={{ whiteSpace: "nowrap" }}>
        {t("calibration.table.interval", {
          low: format.rate(interval.low),
          high: format.rate(interval.high),
        })}
      </Text>
    </div>
  );
}
