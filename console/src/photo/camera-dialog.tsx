import { Alert, Button, Group, Loader, Modal, Select, Stack, Text } from "@mantine/core";
import { Camera } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { capture, useCamera } from "#/photo/camera";
import classes from "#/photo/photo.module.css";

interface CameraDialogProps {
  opened: boolean;
  onClose: () => void;
  onPhoto: (file: File) => void;
}

export function CameraDialog({ opened, onClose, onPhoto }: CameraDialogProps) {
  const { t } = useTranslation();
  const [deviceId, setDeviceId] = useState<string | null>(null);
  const [attempt, setAttempt] = useState(0);
  const { state, devices } = useCamera(opened, deviceId, attempt);
  const video = useRef<HTMLVideoElement>(null);
  useEffect(() => {
    if (video.current && state.kind === "running") video.current.srcObject = state.stream;
  }, [state]);
  const take = async () => {
    const photo = await capture(video);
    if (!photo) return;
    onPhoto(photo);
    onClose();
  };
  const failed = state.kind !== "running" && state.kind !== "starting";
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      title={t("photo.cameraDialog.title")}
      size="lg"
      closeButtonProps={{ "aria-label": t("shell.close") }}
    >
      <Stack>
        {failed ? (
          <Alert color="ochre" role="alert">
            {state.kind === "failed"
              ? t("photo.cameraDialog.failed", { reason: state.reason })
              : t(`photo.cameraDialog.${state.kind}`)}
          </Alert>
        ) : (
          <video ref={video} className={classes.video} autoPlay playsInline muted />
        )}
        {state.kind === "starting" && (
          <Group gap="xs">
            <Loader size="xs" />
            <Text size="sm">{t("photo.cameraDialog.starting")}</Text>
          </Group>
        )}
        <Group justify="space-between" align="flex-end">
          {devices.length > 1 ? (
            <Select
              label={t("photo.cameraDialog.device")}
              data={devices.map((device, index) => ({
                value: device.deviceId,
                label: device.label || `${t("photo.cameraDialog.device")} ${index + 1}`,
              }))}
              value={deviceId ?? devices[0]?.deviceId ?? null}
              onChange={setDeviceId}
              allowDeselect={false}
            />
          ) : (
            <span />
          )}
          {failed ? (
            <Button variant="default" onClick={() => setAttempt((count) => count + 1)}>
              {t("photo.cameraDialog.retry")}
            </Button>
          ) : (
            <Button
              leftSection={<Camera size={18} />}
              onClick={() => void take()}
              disabled={state.kind !== "running"}
              data-autofocus
            >
              {t("photo.cameraDialog.capture")}
            </Button>
          )}
        </Group>
      </Stack>
    </Modal>
  );
}
