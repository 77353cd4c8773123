import { Button, Group, Text } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { Camera, ImagePlus } from "lucide-react";
import { useDropzone } from "react-dropzone";
import { useTranslation } from "react-i18next";
import { CameraDialog } from "#/photo/camera-dialog";
import { usePaste } from "#/photo/paste";
import classes from "#/photo/photo.module.css";
import { useShortcuts } from "#/shell/shortcuts";

interface PhotoInputProps {
  onPhotos: (files: File[]) => void;
  multiple?: boolean;
  /** Take photos pasted anywhere on the page; for the one input of a page. */
  wholePage?: boolean;
  hint?: string;
  /** One row, for pages where the photos matter more than the place for new ones. */
  compact?: boolean;
  minHeight?: number | string;
  label?: string;
}

/** Photos by drop, file choice, clipboard or camera. The server judges the format: browsers know few types of them. */
export function PhotoInput({
  onPhotos,
  multiple = false,
  wholePage = false,
  compact = false,
  hint,
  minHeight,
  label,
}: PhotoInputProps) {
  const { t } = useTranslation();
  const [cameraOpened, camera] = useDisclosure(false);
  const { getRootProps, getInputProps, open, isDragActive } = useDropzone({
    multiple,
    noClick: true,
    noKeyboard: true,
    onDrop: (accepted, rejected) => {
      const files = [...accepted, ...rejected.map((rejection) => rejection.file)];
      const wanted = multiple ? files : files.slice(0, 1);
      if (wanted.length > 0) onPhotos(wanted);
    },
  });
  usePaste(wholePage, onPhotos);
  useShortcuts(wholePage ? { c: camera.open } : {});
  return (
    <div
      {...getRootProps({
        role: "group",
        "aria-label": label ?? t(multiple ? "photo.drop" : "photo.dropOne"),
      })}
    >
      <input
        {...getInputProps({ "aria-label": label ?? t(multiple ? "photo.choose" : "photo.chooseOne") })}
      />
      <div className={classes.drop} data-over={isDragActive} data-compact={compact} style={{ minHeight }}>
        <ImagePlus size={compact ? 24 : 30} strokeWidth={1.5} className={classes.dropIcon} aria-hidden />
        <div>
          <Text fw={600}>
            {isDragActive ? t("photo.release") : t(multiple ? "photo.drop" : "photo.dropOne")}
          </Text>
          <Text size="sm" c="dimmed">
            {hint ?? (wholePage ? t("photo.orPaste") : t("photo.formats"))}
          </Text>
        </div>
        <Group gap="xs" justify="center">
          <Button size="sm" variant="default" onClick={open}>
            {t(multiple ? "photo.choose" : "photo.chooseOne")}
          </Button>
          <Button size="sm" variant="default" leftSection={<Camera size={16} />} onClick={camera.open}>
            {t("photo.camera")}
          </Button>
        </Group>
      </div>
      <CameraDialog opened={cameraOpened} onClose={camera.close} onPhoto={(file) => onPhotos([file])} />
    </div>
  );
}
