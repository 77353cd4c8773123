import { ActionIcon, Menu, Text } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { EllipsisVertical, Star, Trash2, UserRoundPen } from "lucide-react";
import { useTranslation } from "react-i18next";
import { Allowed } from "#/account/allowed";
import type { Person, PersonImage } from "#/api/types";
import { MoveDialog } from "#/gallery/moves/move-dialog";
import { DeleteImageDialog } from "#/gallery/person/delete-image-dialog";
import classes from "#/gallery/person/person.module.css";
import { useSetPrimary } from "#/gallery/queries";
import { useFormat } from "#/i18n/format";
import { imageThumbnail } from "#/photo/addresses";
import { ServerImage } from "#/photo/server-image";
import { toastDone } from "#/shell/problem";

interface ImageTileProps {
  image: PersonImage;
  number: number;
  person: Person;
  onOpen: () => void;
}

export function ImageTile({ image, number, person, onOpen }: ImageTileProps) {
  const { t } = useTranslation();
  const format = useFormat();
  const [deleting, deletion] = useDisclosure(false);
  const [isMoving, moving] = useDisclosure(false);
  const setPrimary = useSetPrimary(person.person_id);
  return (
    <li className={`surface ${classes.tile}`} data-primary={image.is_primary} data-testid="image-tile">
      <button
        type="button"
        className={classes.open}
        aria-label={t("person.openImage", { number })}
        onClick={onOpen}
      >
        <ServerImage src={imageThumbnail(person.person_id, image.image_id)} alt="" />
      </button>
      {image.is_primary && <span className={classes.badge}>{t("person.primary")}</span>}
      <div className={classes.bar}>
        <Text size="xs" c="dimmed">
          {t("person.quality.title")} <b className="tabular">{format.percent(image.quality.overall)}</b>
        </Text>
        <Allowed scope="gallery:enrol">
          <Menu>
            <Menu.Target>
              <ActionIcon color="gray" size="md" aria-label={t("person.imageMenu", { number })}>
                <EllipsisVertical size={16} />
              </ActionIcon>
            </Menu.Target>
            <Menu.Dropdown>
              <Menu.Item
                leftSection={<Star size={15} />}
                disabled={image.is_primary}
                onClick={() =>
                  setPrimary.mutate(image.image_id, { onSuccess: () => toastDone(t("person.primaryDone")) })
                }
              >
                {t("person.setPrimary")}
              </Menu.Item>
              <Menu.Item leftSection={<UserRoundPen size={15} />} onClick={moving.open}>
                {t("moves.move.action")}
              </Menu.Item>
              <Menu.Item color="cinnabar" leftSection={<Trash2 size={15} />} onClick={deletion.open}>
                {t("person.deleteImage")}
              </Menu.Item>
            </Menu.Dropdown>
          </Menu>
        </Allowed>
      </div>
      <MoveDialog image={image} person={person} opened={isMoving} onClose={moving.close} />
      <DeleteImageDialog image={image} person={person} opened={deleting} onClose={deletion.close} />
    </li>
  );
}
