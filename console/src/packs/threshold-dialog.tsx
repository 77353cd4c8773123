import { Button, Group, Modal, NumberInput, Stack } from "@mantine/core";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { Pack } from "#/api/types";
import { useFormat } from "#/i18n/format";
import { labelOf, thresholdOf } from "#/packs/labels";
import { useSetThreshold } from "#/packs/queries";
import { toastDone } from "#/shell/problem";

/** This gallery's own threshold of a pack, and the way back to the pack's. */
export function ThresholdDialog({ pack, onClose }: { pack: Pack; onClose: () => void }) {
  const { t } = useTranslation();
  const format = useFormat();
  const [value, setValue] = useState<number | string>(thresholdOf(pack) ?? "");
  const set = useSetThreshold(pack);
  const label = labelOf(pack);
  const save = (threshold: number | null) =>
    set.mutate(threshold, {
      onSuccess: (answer) => {
        toastDone(t("packs.threshold.set", { pack: label, value: format.figure(answer.threshold) }));
        onClose();
      },
    });
  return (
    <Modal
      opened
      onClose={onClose}
      title={t("packs.threshold.dialog", { pack: label })}
      closeButtonProps={{ "aria-label": t("shell.close") }}
    >
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (typeof value === "number") save(value);
        }}
      >
        <Stack>
          <NumberInput
            label={t("packs.threshold.label")}
            description={t("packs.threshold.text")}
            value={value}
            onChange={setValue}
            min={0}
            max={1}
            step={0.01}
            decimalScale={4}
            data-autofocus
          />
          <Group justify="flex-end">
            {pack.gallery_threshold !== null && pack.threshold !== null && (
              <Button variant="subtle" onClick={() => save(null)} disabled={set.isPending}>
                {t("packs.threshold.back", { value: format.figure(pack.threshold) })}
              </Button>
            )}
            <Button type="submit" loading={set.isPending} disabled={typeof value !== "number"}>
              {t("packs.threshold.save")}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
