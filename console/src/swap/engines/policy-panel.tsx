import { Group, Switch, Text, Title } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useTranslation } from "react-i18next";
import { useMay } from "#/account/session";
import { useFormat } from "#/i18n/format";
import { ConfirmDialog } from "#/shell/confirm-dialog";
import classes from "#/swap/engines/engines.module.css";
import { useSetVisibleLabel } from "#/swap/queries";
import type { SwapPolicy } from "#/swap/types";

/** Within which limits faces are swapped, and whether the label is seen. The other labels cannot be removed. */
export function PolicyPanel({ policy }: { policy: SwapPolicy }) {
  const { t } = useTranslation();
  const format = useFormat();
  const mayManage = useMay("swap:manage");
  const [asking, confirm] = useDisclosure(false);
  const change = useSetVisibleLabel();
  const set = (visible: boolean) => (visible ? change.mutate(true) : confirm.open());
  return (
    <section className={`surface ${classes.card}`} aria-label={t("swapEngines.policy.title")}>
      <Group justify="space-between" gap="sm">
        <Title order={2} size="h5">
          {t("swapEngines.policy.title")}
        </Title>
        <Switch
          label={t("swapEngines.policy.visible")}
          checked={policy.visible_label}
          disabled={!mayManage || change.isPending}
          onChange={(event) => set(event.currentTarget.checked)}
        />
      </Group>
      <Text size="sm" c="dimmed">
        {t("swapEngines.policy.others")}
        {policy.changed_at &&
          ` ${t("swapEngines.policy.changed", { moment: format.dateTime(policy.changed_at) })}`}
      </Text>
      <Text size="sm" c="dimmed" className="tabular">
        {t("swapEngines.policy.limits", {
          photo: format.bytes(policy.max_image_bytes),
          video: format.bytes(policy.max_video_bytes),
          duration: format.duration(policy.max_video_s),
          kept: format.duration(60 * policy.result_ttl_minutes),
          live: format.number(policy.max_live),
        })}
      </Text>
      <ConfirmDialog
        opened={asking}
        title={t("swapEngines.policy.leaveOut.title")}
        text={t("swapEngines.policy.leaveOut.text")}
        confirm={t("swapEngines.policy.leaveOut.confirm")}
        busy={change.isPending}
        onClose={confirm.close}
        onConfirm={() => change.mutate(false, { onSettled: confirm.close })}
      />
    </section>
  );
}
