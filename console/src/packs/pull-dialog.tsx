import { Alert, Anchor, Button, Checkbox, Group, Modal, Stack, Text } from "@mantine/core";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { CataloguedPack } from "#/api/types";
import { useFormat } from "#/i18n/format";
import { labelOf } from "#/packs/labels";
import { usePull } from "#/packs/queries";

/** The terms first: nothing is requested of anybody before they are accepted. */
export function PullDialog({ pack, onClose }: { pack: CataloguedPack; onClose: () => void }) {
  const { t } = useTranslation();
  const format = useFormat();
  const [accepted, setAccepted] = useState(false);
  const pull = usePull(labelOf(pack));
  const { licence } = pack;
  return (
    <Modal
      opened
      onClose={onClose}
      size="lg"
      title={t("packs.available.dialog", { pack: labelOf(pack) })}
      closeButtonProps={{ "aria-label": t("shell.close") }}
    >
      <Stack>
        <Text size="sm">{pack.summary}</Text>
        <Facts
          rows={[
            [t("packs.available.licence"), licence.id],
            [
              t("packs.available.size"),
              pack.size_bytes === null ? t("packs.available.sizeUnknown") : format.bytes(pack.size_bytes),
            ],
            [t("packs.available.from"), pack.sources.join("\n")],
          ]}
        />
        <Alert role="note" color={licence.commercial ? "ink" : "ochre"} title={t("packs.available.terms")}>
          <Text size="sm">
            {t(licence.commercial ? "packs.commercial" : "packs.available.onlyNonCommercial")}
          </Text>
          {licence.url && (
            <Anchor href={licence.url} target="_blank" rel="noreferrer" size="sm" underline="always">
              {t("packs.available.termsLink")}
            </Anchor>
          )}
        </Alert>
        {licence.acceptance && (
          <Checkbox
            label={t("packs.available.accept")}
            checked={accepted}
            onChange={(event) => setAccepted(event.currentTarget.checked)}
          />
        )}
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose} data-autofocus>
            {t("shell.cancel")}
          </Button>
          <Button
            disabled={licence.acceptance && !accepted}
            loading={pull.isPending}
            onClick={() => pull.mutate(accepted, { onSuccess: onClose })}
          >
            {t("packs.available.get")}
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}

function Facts({ rows }: { rows: [string, string][] }) {
  return (
    <Stack gap={6}>
      {rows.map(([name, value]) => (
        <div key={name}>
          <Text size="xs" c="dimmed">
            {name}
          </Text>
          <Text size="sm" style={{ overflowWrap: "anywhere", whiteSpace: "pre-line" }}>
            {value}
          </Text>
        </div>
      ))}
    </Stack>
  );
}
