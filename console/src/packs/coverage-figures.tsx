import { Progress, Stack, Text } from "@mantine/core";
import { useTranslation } from "react-i18next";
import type { Coverage } from "#/api/types";
import { useFormat } from "#/i18n/format";
import { sharesOf } from "#/packs/labels";

/** How much of the gallery a pack can find. */
export function CoverageFigures({ coverage }: { coverage: Coverage }) {
  const { t } = useTranslation();
  const format = useFormat();
  const { images, embedded, failed, missing, persons, persons_covered: covered } = coverage;
  if (images === 0) return <Text size="sm">{t("packs.coverage.empty")}</Text>;
  const shares = sharesOf(coverage);
  const of = t("packs.coverage.of", { embedded: format.number(embedded), images: format.number(images) });
  const rest = [
    missing > 0 && t("packs.coverage.missing", { count: missing }),
    failed > 0 && t("packs.coverage.failed", { count: failed }),
    missing === 0 && failed === 0 && t("packs.coverage.complete"),
  ].filter(Boolean);
  return (
    <Stack gap={6}>
      <Text size="sm" fw={600} className="tabular" data-testid="coverage">
        {of}
      </Text>
      <Progress.Root size={8}>
        <Progress.Section
          value={shares.embedded}
          color="jade"
          aria-label={t("packs.coverage.title")}
          aria-valuetext={of}
        />
        {failed > 0 && <Progress.Section value={shares.failed} color="ochre" withAria={false} />}
      </Progress.Root>
      <Text size="sm" c="dimmed">
        {rest.join(" · ")}
      </Text>
      <Text size="sm" c="dimmed">
        {t("packs.coverage.people", { covered: format.number(covered), persons: format.number(persons) })}
      </Text>
    </Stack>
  );
}
