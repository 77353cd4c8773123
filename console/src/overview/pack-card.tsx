import { Alert, Anchor, Badge, Group, Stack, Text, Title } from "@mantine/core";
import { useTranslation } from "react-i18next";
import type { Pack } from "#/api/types";
import { useFormat } from "#/i18n/format";
import classes from "#/overview/overview.module.css";

const tones: Record<string, string> = {
  ready: "jade",
  installed: "ink",
  incomplete: "ochre",
  damaged: "cinnabar",
};
const roles = ["detector", "landmarks", "embedder"] as const;

export function PackCard({ pack }: { pack: Pack }) {
  const { t } = useTranslation();
  const format = useFormat();
  const { licence } = pack;
  const facts = [
    pack.dimension !== null && t("overview.dimension", { count: pack.dimension }),
    pack.threshold !== null && t("overview.threshold", { value: format.figure(pack.threshold) }),
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
          {pack.is_default && <Badge variant="outline">{t("overview.default")}</Badge>}
          <Badge variant="light" color={tones[pack.state] ?? "ink"}>
            {t(`overview.states.${pack.state}` as "overview.states.ready", { defaultValue: pack.state })}
          </Badge>
        </Group>
      </Group>
      <Text size="sm">{pack.summary}</Text>
      {pack.detail && (
        <Alert color="ochre" p="xs">
          {pack.detail}
        </Alert>
      )}
      <Group gap={6}>
        {roles.map(
          (role) =>
            pack.roles?.[role] && (
              <Badge key={role} variant="default" tt="none" fw={500}>
                {t(`overview.roles.${role}`)}: {pack.roles[role]}
              </Badge>
            ),
        )}
      </Group>
      {facts.length > 0 && (
        <Text size="sm" c="dimmed" className="tabular">
          {facts.join(" · ")}
        </Text>
      )}
      {licence && (
        <Text size="sm" c="dimmed">
          {licence.url ? (
            <Anchor href={licence.url} target="_blank" rel="noreferrer" size="sm">
              {licence.id}
            </Anchor>
          ) : (
            licence.id
          )}{" "}
          · {t(licence.commercial ? "overview.commercial" : "overview.nonCommercial")}
        </Text>
      )}
    </Stack>
  );
}
