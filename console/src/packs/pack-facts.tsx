import { Alert, Anchor, Badge, Group, Text } from "@mantine/core";
import { useTranslation } from "react-i18next";
import type { Pack } from "#/api/types";

const tones: Record<string, string> = {
  ready: "jade",
  installed: "ink",
  incomplete: "ochre",
  damaged: "cinnabar",
};
const roles = ["detector", "landmarks", "embedder", "liveness", "attributes"] as const;

export function StateBadge({ pack }: { pack: Pack }) {
  const { t } = useTranslation();
  return (
    <Badge variant="light" color={tones[pack.state] ?? "ink"}>
      {t(`packs.states.${pack.state}` as "packs.states.ready", { defaultValue: pack.state })}
    </Badge>
  );
}

/** What keeps a pack from being ready. */
export function PackDetail({ pack }: { pack: Pack }) {
  const { t } = useTranslation();
  if (pack.state === "installed") {
    return (
      <Text size="sm" c="dimmed">
        {t("packs.atFirstUse")}
      </Text>
    );
  }
  if (!pack.detail) return null;
  return (
    <Alert role="note" color="ochre" p="xs">
      {pack.detail}
    </Alert>
  );
}

export function RoleBadges({ pack }: { pack: Pack }) {
  const { t } = useTranslation();
  return (
    <Group gap={6}>
      {roles.map(
        (role) =>
          pack.roles?.[role] && (
            <Badge key={role} variant="default" tt="none" fw={500}>
              {t(`packs.roles.${role}`)}: {pack.roles[role]}
            </Badge>
          ),
      )}
    </Group>
  );
}

export interface Licence {
  id: string;
  commercial: boolean;
  url: string | null;
}

/** The terms by their id, and in plain words whether they allow commercial use. */
export function LicenceText({ licence }: { licence: Licence }) {
  const { t } = useTranslation();
  return (
    <Text size="sm" c="dimmed" style={{ overflowWrap: "anywhere" }}>
      {licence.url ? (
        <Anchor href={licence.url} target="_blank" rel="noreferrer" size="sm">
          {licence.id}
        </Anchor>
      ) : (
        licence.id
      )}{" "}
      · {t(licence.commercial ? "packs.commercial" : "packs.nonCommercial")}
    </Text>
  );
}
