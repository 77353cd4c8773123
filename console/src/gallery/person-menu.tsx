import { ActionIcon, Menu } from "@mantine/core";
import { EllipsisVertical, ListTree, Merge, Pencil, Trash2 } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useMay } from "#/account/session";
import type { Person } from "#/api/types";
import { DeletePersonDialog } from "#/gallery/delete-person-dialog";
import { DetailsDialog } from "#/gallery/details-dialog";
import { MergeDialog } from "#/gallery/moves/merge-dialog";
import { RenameDialog } from "#/gallery/rename-dialog";

/** What can be done with a person, wherever one is shown. */
export function PersonMenu({ person, onDeleted }: { person: Person; onDeleted?: () => void }) {
  const { t } = useTranslation();
  const [dialog, setDialog] = useState<"rename" | "details" | "merge" | "delete" | null>(null);
  // A page shows hundreds of persons: the dialogs of one exist once its menu was opened.
  const [used, setUsed] = useState(false);
  const close = () => setDialog(null);
  if (!useMay("gallery:enrol")) return null;
  return (
    <>
      <Menu onOpen={() => setUsed(true)}>
        <Menu.Target>
          <ActionIcon color="gray" size={26} aria-label={t("gallery.actions.menu", { name: person.name })}>
            <EllipsisVertical size={17} />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item leftSection={<Pencil size={15} />} onClick={() => setDialog("rename")}>
            {t("gallery.actions.rename")}
          </Menu.Item>
          <Menu.Item leftSection={<ListTree size={15} />} onClick={() => setDialog("details")}>
            {t("gallery.actions.metadata")}
          </Menu.Item>
          <Menu.Item leftSection={<Merge size={15} />} onClick={() => setDialog("merge")}>
            {t("gallery.actions.merge")}
          </Menu.Item>
          <Menu.Divider />
          <Menu.Item color="cinnabar" leftSection={<Trash2 size={15} />} onClick={() => setDialog("delete")}>
            {t("gallery.actions.delete")}
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
      {used && (
        <>
          <RenameDialog person={person} opened={dialog === "rename"} onClose={close} />
          <DetailsDialog person={person} opened={dialog === "details"} onClose={close} />
          <MergeDialog person={person} opened={dialog === "merge"} onClose={close} />
          <DeletePersonDialog
            person={person}
            opened={dialog === "delete"}
            onClose={close}
            onDeleted={onDeleted}
          />
        </>
      )}
    </>
  );
}
