import { Loader, Progress, Text } from "@mantine/core";
import { CircleCheck, CircleDashed, CircleX } from "lucide-react";
import { useTranslation } from "react-i18next";
import classes from "#/enhance/enhance.module.css";
import { useErrorTitle } from "#/enhance/error-title";
import type { Enhancement, EnhancementPhoto, EnhancementReport } from "#/enhance/types";
import { identitiesOf } from "#/enhance/words";
import { useFormat } from "#/i18n/format";

/** Every photo of a batch: how far it is, what it brought, or why it could not be enhanced. */
export function PhotoList({ enhancement }: { enhancement: Enhancement }) {
  const { t } = useTranslation();
  return (
    <section className="surface" aria-label={t("enhance.batch.list")}>
      <Text fw={600} px={20} py={14}>
        {t("enhance.batch.list")}
      </Text>
      {/* The list scrolls by itself, and has to do so for the keyboard too. */}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls. */}
      <ul className={classes.list} tabIndex={0}>
        {enhancement.photos.map((photo) => (
          <PhotoItem key={photo.position} photo={photo} />
        ))}
      </ul>
    </section>
  );
}

function PhotoItem({ photo }: { photo: EnhancementPhoto }) {
  const { t } = useTranslation();
  const format = useFormat();
  const titleOf = useErrorTitle();
  const { status, stage, report, error } = photo;
  return (
    <li className={classes.item} data-testid="batch-photo" data-status={status}>
      <div className={classes.itemHead}>
        <StatusIcon status={status} />
        <Text size="sm" className="truncate" title={photo.name} flex={1}>
          {photo.name}
        </Text>
        <Text size="xs" c="dimmed" className="tabular" flex="none">
          {format.bytes(photo.size_bytes)}
          {photo.output_size_bytes !== null && ` → ${format.bytes(photo.output_size_bytes)}`}
        </Text>
      </div>
      {status === "processing" && (
        <>
          <Progress
            size={6}
            value={100 * photo.progress}
            aria-label={t("enhance.batch.progressOf", { name: photo.name })}
          />
          {stage && (
            <Text size="xs" c="dimmed">
              {t(`enhance.stages.${stage}`)}
            </Text>
          )}
        </>
      )}
      {report && <Summary report={report} />}
      {error && (
        <Text size="sm" c="var(--mantine-color-error)" style={{ overflowWrap: "anywhere" }}>
          <b>{titleOf(error)}.</b> {error.detail} <code>{error.code}</code>
        </Text>
      )}
    </li>
  );
}

function Summary({ report }: { report: EnhancementReport }) {
  const { t } = useTranslation();
  const format = useFormat();
  const faces = identitiesOf(report);
  return (
    <Text size="xs" c="dimmed" className="tabular">
      {format.number(report.width_after)} × {format.number(report.height_after)} ·{" "}
      {t("enhance.batch.ratio", { ratio: format.figure(report.enhancement_ratio, 2) })} ·{" "}
      {faces.length === 0
        ? t("enhance.batch.noFaces")
        : faces.map(([status, count]) => t(`enhance.batch.identity.${status}`, { count })).join(", ")}
    </Text>
  );
}

function StatusIcon({ status }: { status: EnhancementPhoto["status"] }) {
  const { t } = useTranslation();
  const label = t(`enhance.batch.states.${status}`);
  if (status === "processing") return <Loader size={16} role="img" aria-label={label} />;
  const Icon = { pending: CircleDashed, completed: CircleCheck, failed: CircleX }[status];
  return <Icon size={17} className={classes.itemIcon} data-status={status} role="img" aria-label={label} />;
}
