import { ActionIcon, Text, Tooltip } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { Trash2 } from "lucide-react";
import { useTranslation } from "react-i18next";
import { useFormat } from "#/i18n/format";
import classes from "#/images/images.module.css";
import { thumbnailOf } from "#/images/queries";
import type { StoredImage } from "#/images/types";
import { ServerImage } from "#/photo/server-image";

export function PictureCard({ image, onDelete }: { image: StoredImage; onDelete: () => void }) {
  const { t } = useTranslation();
  const format = useFormat();
  const remove = t("images.delete.named", { name: image.name });
  return (
    <li className={`surface ${classes.card}`} data-testid="picture">
      <ServerImage src={thumbnailOf(image.image_id)} alt="" className={classes.thumbnail ?? ""} />
      <div className={classes.caption}>
        <Link to="/images/$imageId" params={{ imageId: image.image_id }} className={classes.cardLink}>
          <Text fw={600} size="sm" className="truncate" title={image.name}>
            {image.name}
          </Text>
        </Link>
        <Text size="xs" c="dimmed" className="truncate tabular" pr={28}>
          {image.width} × {image.height} · {format.bytes(image.size_bytes)}
        </Text>
      </div>
      <div className={classes.cardMenu}>
        <Tooltip label={remove}>
          <ActionIcon color="gray" size={26} aria-label={remove} onClick={onDelete}>
            <Trash2 size={15} />
          </ActionIcon>
        </Tooltip>
      </div>
    </li>
  );
}
