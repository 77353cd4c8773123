import { Alert, Button, Checkbox, Group, Modal, Stack, Text } from "@mantine/core";
import { TriangleAlert } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { Pack } from "#/api/types";
import { useFormat } from "#/i18n/format";
import { CoverageFigures } from "#/packs/coverage-figures";
import { labelOf } from "#/packs/labels";
import { useReembed, useSwitchDefault } from "#/packs/queries";
import { toastDone } from "#/shell/problem";

/** The switch; when the pack does not cover the gallery, what that would mean, and the better way. */
export function DefaultDialog({ pack, onClose }: { pack: Pack; onClose: () => void }) {
  const { t } = useTranslation();
  const format = useFormat();
  const [force, setForce] = useState(false);
  const change = useSwitchDefault(pack);
  const reembed = useReembed(pack);
  const label = labelOf(pack);
  const refused = change.data ?? null;
  const confirm = () =>
    change.mutate(refused !== null, {
      onSuccess: (coverage) => {
        if (coverage !== null) return;
        toastDone(t("packs.makeDefault.done", { pack: label }));
        onClose();
      },
    });
  return (
    <Modal
      opened
      onClose={onClose}
      title={t("packs.makeDefault.title", { pack: label })}
      closeButtonProps={{ "aria-label": t("shell.close") }}
    >
      <Stack>
        <Text>{t("packs.makeDefault.text")}</Text>
        {refused && (
          <>
            <Alert color="cinnabar" icon={<TriangleAlert size={20} />} role="alert">
              <Text size="sm" fw={600}>
                {t("packs.makeDefault.refused", {
                  count: refused.missing,
                  images: format.number(refused.images),
                })}
              </Text>
              <Text size="sm">
                {t("packs.makeDefault.lost", {
                  covered: format.number(refused.persons_covered),
                  persons: format.number(refused.persons),
                })}
              </Text>
            </Alert>
            <CoverageFigures coverage={refused} />
            <Checkbox
              label={t("packs.makeDefault.force")}
              checked={force}
              onChange={(event) => setForce(event.currentTarget.checked)}
            />
          </>
        )}
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose} data-autofocus>
            {t("shell.cancel")}
          </Button>
          <Button
            {...(refused && { color: "cinnabar.7", variant: "outline", disabled: !force })}
            onClick={confirm}
            loading={change.isPending}
          >
            {t(refused ? "packs.makeDefault.confirmForced" : "packs.makeDefault.confirm")}
          </Button>
          {refused && (
            <Button onClick={() => reembed.mutate(false, { onSuccess: onClose })} loading={reembed.isPending}>
              {t("packs.makeDefault.first")}
            </Button>
          )}
        </Group>
      </Stack>
    </Modal>
  );
}
