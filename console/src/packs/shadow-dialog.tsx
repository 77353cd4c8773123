import { Button, Group, Modal, Select, Stack, Text } from "@mantine/core";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { Pack } from "#/api/types";
import { useFormat } from "#/i18n/format";
import { labelOf } from "#/packs/labels";
import { useBeginShadow } from "#/packs/queries";

const RATES = [1, 0.5, 0.1, 0.01];

interface ShadowDialogProps {
  pack: Pack;
  /** Label of the default pack. */
  active: string;
  onClose: () => void;
}

export function ShadowDialog({ pack, active, onClose }: ShadowDialogProps) {
  const { t } = useTranslation();
  const format = useFormat();
  const [rate, setRate] = useState("1");
  const begin = useBeginShadow(pack);
  const label = labelOf(pack);
  return (
    <Modal
      opened
      onClose={onClose}
      title={t("packs.shadow.ask", { pack: label })}
      closeButtonProps={{ "aria-label": t("shell.close") }}
    >
      <Stack>
        <Text>{t("packs.shadow.askText", { pack: label, active })}</Text>
        <Select
          label={t("packs.shadow.rate")}
          data={RATES.map((part) => ({ value: String(part), label: format.percent(part) }))}
          value={rate}
          onChange={(value) => setRate(value ?? "1")}
          allowDeselect={false}
          w={180}
        />
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            {t("shell.cancel")}
          </Button>
          <Button
            data-autofocus
            loading={begin.isPending}
            onClick={() => begin.mutate(Number(rate), { onSuccess: onClose })}
          >
            {t("packs.shadow.begin")}
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}
