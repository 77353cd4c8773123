import { Button, Group, Text } from "@mantine/core";
import { FileArchive, FolderOpen, PackageOpen } from "lucide-react";
import { useRef } from "react";
import { useDropzone } from "react-dropzone";
import { useTranslation } from "react-i18next";
import { pathOf, type Selection, type SelectionProblem, selectionOf } from "#/gallery/bulk/selection";
import classes from "#/photo/photo.module.css";

// React knows the attribute, its types do not.
const WHOLE_FOLDER = { webkitdirectory: "" };

/** An archive or a whole folder, by drop or by choice. */
export function BulkInput({ onChosen }: { onChosen: (chosen: Selection | SelectionProblem) => void }) {
  const { t } = useTranslation();
  const archive = useRef<HTMLInputElement>(null);
  const folder = useRef<HTMLInputElement>(null);
  const take = (files: File[]) => onChosen(selectionOf(files.map((file) => ({ file, path: pathOf(file) }))));
  const { getRootProps, getInputProps, isDragActive } = useDropzone({
    noClick: true,
    noKeyboard: true,
    onDrop: take,
  });
  const onPicked = (event: React.ChangeEvent<HTMLInputElement>) => {
    const files = [...(event.currentTarget.files ?? [])];
    event.currentTarget.value = "";
    if (files.length > 0) take(files);
  };
  return (
    <div {...getRootProps({ role: "group", "aria-label": t("bulk.drop") })}>
      <input {...getInputProps({ "aria-hidden": true })} />
      <input
        ref={archive}
        type="file"
        accept=".zip,.tar,.tgz,.gz"
        hidden
        aria-label={t("bulk.chooseArchive")}
        onChange={onPicked}
        data-testid="archive-input"
      />
      <input
        ref={folder}
        type="file"
        {...WHOLE_FOLDER}
        hidden
        aria-label={t("bulk.chooseFolder")}
        onChange={onPicked}
        data-testid="folder-input"
      />
      <div className={classes.drop} data-over={isDragActive} style={{ minHeight: 240 }}>
        <PackageOpen size={34} strokeWidth={1.5} className={classes.dropIcon} aria-hidden />
        <div>
          <Text fw={600}>{t(isDragActive ? "bulk.release" : "bulk.drop")}</Text>
          <Text size="sm" c="dimmed" maw={520}>
            {t("bulk.layout")}
          </Text>
        </div>
        <Group gap="xs" justify="center">
          <Button
            variant="default"
            leftSection={<FileArchive size={17} />}
            onClick={() => archive.current?.click()}
          >
            {t("bulk.chooseArchive")}
          </Button>
          <Button
            variant="default"
            leftSection={<FolderOpen size={17} />}
            onClick={() => folder.current?.click()}
          >
            {t("bulk.chooseFolder")}
          </Button>
        </Group>
      </div>
    </div>
  );
}
