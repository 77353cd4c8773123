import { Button, Group, Text } from "@mantine/core";
import { FileArchive, Images, PackageOpen } from "lucide-react";
import { useRef } from "react";
import { useDropzone } from "react-dropzone";
import { useTranslation } from "react-i18next";
import { acceptOf, type Selection, type SelectionProblem, selectionOf } from "#/enhance/selection";
import type { Engines } from "#/enhance/types";
import { useFormat } from "#/i18n/format";
import classes from "#/photo/photo.module.css";

interface BatchInputProps {
  engines: Engines;
  onChosen: (chosen: Selection | SelectionProblem) => void;
}

/** One archive, or as many photos and folders as one likes, by drop or by choice. */
export function BatchInput({ engines, onChosen }: BatchInputProps) {
  const { t } = useTranslation();
  const format = useFormat();
  const archive = useRef<HTMLInputElement>(null);
  const photos = useRef<HTMLInputElement>(null);
  const formats = engines.archive_formats;
  const take = (files: File[]) => onChosen(selectionOf(files, formats));
  const { getRootProps, getInputProps, isDragActive } = useDropzone({
    noClick: true,
    noKeyboard: true,
    onDrop: (accepted, rejected) => take([...accepted, ...rejected.map(({ file }) => file)]),
  });
  const onPicked = (event: React.ChangeEvent<HTMLInputElement>) => {
    const files = [...(event.currentTarget.files ?? [])];
    event.currentTarget.value = "";
    if (files.length > 0) take(files);
  };
  return (
    <div {...getRootProps({ role: "group", "aria-label": t("enhance.batch.drop") })}>
      <input {...getInputProps({ "aria-hidden": true })} />
      <input
        ref={archive}
        type="file"
        accept={acceptOf(formats)}
        hidden
        aria-label={t("enhance.batch.chooseArchive")}
        onChange={onPicked}
        data-testid="archive-input"
      />
      <input
        ref={photos}
        type="file"
        accept=".jpg,.jpeg,.png,.webp"
        multiple
        hidden
        aria-label={t("enhance.batch.choosePhotos")}
        onChange={onPicked}
        data-testid="photos-input"
      />
      <div className={classes.drop} data-over={isDragActive} style={{ minHeight: 320 }}>
        <PackageOpen size={34} strokeWidth={1.5} className={classes.dropIcon} aria-hidden />
        <div>
          <Text fw={600}>{t(isDragActive ? "photo.release" : "enhance.batch.drop")}</Text>
          <Text size="sm" c="dimmed" maw={520}>
            {t("enhance.batch.formats", {
              archives: formats.map((name) => name.toUpperCase()).join(", "),
              size: format.bytes(engines.max_archive_bytes),
            })}
          </Text>
        </div>
        <Group gap="xs" justify="center">
          <Button
            variant="default"
            leftSection={<FileArchive size={17} />}
            onClick={() => archive.current?.click()}
          >
            {t("enhance.batch.chooseArchive")}
          </Button>
          <Button
            variant="default"
            leftSection={<Images size={17} />}
            onClick={() => photos.current?.click()}
          >
            {t("enhance.batch.choosePhotos")}
          </Button>
        </Group>
      </div>
    </div>
  );
}
