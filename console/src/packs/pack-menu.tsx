import { ActionIcon, Menu } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import {
  Ellipsis,
  HardDriveDownload,
  HardDriveUpload,
  RotateCcw,
  SlidersHorizontal,
  SquareDashed,
  Trash2,
} from "lucide-react";
import { useTranslation } from "react-i18next";
import { useMay } from "#/account/session";
import type { Pack } from "#/api/types";
import { labelOf } from "#/packs/labels";
import { useLoad, useReembed, useUnload } from "#/packs/queries";
import { toastDone } from "#/shell/problem";

interface PackMenuProps {
  pack: Pack;
  /** Whether it runs in the shadow already. */
  isShadow: boolean;
  onShadow: () => void;
  onRemove: () => void;
}

/** What is done to a pack less often. */
export function PackMenu({ pack, isShadow, onShadow, onRemove }: PackMenuProps) {
  const { t } = useTranslation();
  const load = useLoad(pack);
  const unload = useUnload(pack);
  const reembed = useReembed(pack);
  const label = labelOf(pack);
  const isUsable = pack.coverage !== null && (pack.state === "ready" || pack.state === "installed");
  const isLoaded = pack.provider !== null;
  const canBeRemoved = !pack.is_default && !pack.is_embedded;
  const mayManage = useMay("models:manage");
  const mayReembed = useMay("gallery:manage");
  if (!isUsable && !isLoaded && !canBeRemoved) return null;
  if (!mayManage && !mayReembed) return null;
  return (
    <Menu>
      <Menu.Target>
        <ActionIcon color="gray" aria-label={t("packs.actions", { pack: label })}>
          <Ellipsis size={18} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        {isUsable && mayReembed && (
          <Menu.Item
            leftSection={<SlidersHorizontal size={16} />}
            renderRoot={(props) => <Link {...props} to="/calibration" search={{ pack: label }} />}
          >
            {t("packs.calibrate")}
          </Menu.Item>
        )}
        {isUsable && mayReembed && !pack.is_default && !isShadow && (
          <Menu.Item leftSection={<SquareDashed size={16} />} onClick={onShadow}>
            {t("packs.shadow.open")}
          </Menu.Item>
        )}
        {isUsable && mayReembed && (pack.coverage?.failed ?? 0) > 0 && (
          <Menu.Item leftSection={<RotateCcw size={16} />} onClick={() => reembed.mutate(true)}>
            {t("packs.reembed.retry")}
          </Menu.Item>
        )}
        {isUsable && mayManage && !isLoaded && (
          <Menu.Item
            leftSection={<HardDriveUpload size={16} />}
            onClick={() =>
              load.mutate(undefined, { onSuccess: () => toastDone(t("packs.loadedDone", { pack: label })) })
            }
          >
            {t("packs.load")}
          </Menu.Item>
        )}
        {isLoaded && mayManage && !pack.is_default && (
          <Menu.Item
            leftSection={<HardDriveDownload size={16} />}
            onClick={() =>
              unload.mutate(undefined, {
                onSuccess: () => toastDone(t("packs.unloadedDone", { pack: label })),
              })
            }
          >
            {t("packs.unload")}
          </Menu.Item>
        )}
        {canBeRemoved && mayManage && (
          <Menu.Item color="cinnabar" leftSection={<Trash2 size={16} />} onClick={onRemove}>
            {t("packs.remove.open")}
          </Menu.Item>
        )}
      </Menu.Dropdown>
    </Menu>
  );
}
