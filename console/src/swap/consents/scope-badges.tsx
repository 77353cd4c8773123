import { Badge, Group } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { KINDS, type SwapKind } from "#/swap/types";

/** What a face may be put onto. */
export function ScopeBadges({ scopes }: { scopes: readonly SwapKind[] }) {
  const { t } = useTranslation();
  return (
    <Group gap={4} wrap="nowrap" style={{ flex: "none" }}>
      {KINDS.filter((kind) => scopes.includes(kind)).map((kind) => (
        <Badge key={kind} size="sm" variant="default" miw="max-content">
          {t(`swap.kinds.${kind}`)}
        </Badge>
      ))}
    </Group>
  );
}
