import { Badge, Group, Stack, Text, Title } from "@mantine/core";
import { useTranslation } from "react-i18next";
import type { Pack } from "#/api/types";
import { useFormat } from "#/i18n/format";
import classes from "#/overview/overview.module.css";
import { thresholdOf } from "#/packs/labels";
import { LicenceText, PackDetail, RoleBadges, StateBadge } from "#/packs/pack-facts";

export function PackCard({ pack }: { pack: Pack }) {
  const { t } = useTranslation();
  const format = useFormat();
  const threshold = thresholdOf(pack);
  const facts = [
    pack.dimension !== null && t("packs.dimension", { count: pack.dimension }),
    threshold !== null && t("overview.threshold", { value: format.figure(threshold) }),
    pack.size_bytes > 0 && format.bytes(pack.size_bytes),
    pack.provider,
  ].filter(Boolean);
  return (
    <Stack gap="xs" className={`surface ${classes.pack}`} component="article">
      <Group justify="space-between" gap="xs">
        <Title order={3} size="h5">
          {pack.name}
          <Text span c="dimmed" fw={400}>
            @{pack.version}
          </Text>
        </Title>
        <Group gap={6}>
          {pack.is_default && <Badge variant="outline">{t("packs.default")}</Badge>}
          <StateBadge pack={pack} />
        </Group>
      </Group>
      <Text size="sm">{pack.summary}</Text>
      <PackDetail pack={pack} />
      <RoleBadges pack={pack} />
      {facts.length > 0 && (
        <Text size="sm" c="dimmed" className="tabular">
          {facts.join(" · ")}
        </Text>
      )}
      {pack.licence && <LicenceText licence={pack.licence} />}
    </Stack>
  );
}
