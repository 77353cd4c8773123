import { Button, Text } from "@mantine/core";
import { FileImage } from "lucide-react";
import { useDropzone } from "react-dropzone";
import { useTranslation } from "react-i18next";
import { usePaste } from "#/photo/paste";
import classes from "#/photo/photo.module.css";

interface MediaInputProps {
  onFile: (file: File) => void;
  hint: string;
  minHeight?: number;
  disabled?: boolean;
}

/** One photo or video by drop, file choice or clipboard, for pages that take a single one. */
export function MediaInput({ onFile, hint, minHeight = 260, disabled = false }: MediaInputProps) {
  const { t } = useTranslation();
  const { getRootProps, getInputProps, open, isDragActive } = useDropzone({
    multiple: false,
    noClick: true,
    noKeyboard: true,
    disabled,
    onDrop: (accepted, rejected) => {
      const [file] = [...accepted, ...rejected.map((rejection) => rejection.file)];
      if (file) onFile(file);
    },
  });
  usePaste(!disabled, ([file]) => file && onFile(file));
  return (
    <div {...getRootProps({ role: "group", "aria-label": t("media.drop") })}>
      <input {...getInputProps({ "aria-label": t("media.choose") })} />
      <div className={classes.drop} data-over={isDragActive} style={{ minHeight }}>
        <FileImage size={30} strokeWidth={1.5} className={classes.dropIcon} aria-hidden />
        <div>
          <Text fw={600}>{t(isDragActive ? "media.release" : "media.drop")}</Text>
          <Text size="sm" c="dimmed" maw={460}>
            {hint}
          </Text>
        </div>
        <Button size="sm" variant="default" onClick={open} disabled={disabled}>
          {t("media.choose")}
        </Button>
      </div>
    </div>
  );
}
