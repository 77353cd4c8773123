import { Button, Group, Stack, Text } from "@mantine/core";
import { RotateCcw } from "lucide-react";
import { useTranslation } from "react-i18next";
import { useFormat } from "#/i18n/format";
import { mediaKind } from "#/media/kind";
import { MediaInput } from "#/media/media-input";
import { MediaView } from "#/media/media-view";
import { Panel } from "#/swap/panel";
import type { SwapPolicy } from "#/swap/types";

interface TargetProps {
  policy: SwapPolicy;
  file: File | null;
  onFile: (file: File | null) => void;
}

/** The photo or video that the face is put onto. */
export function Target({ policy, file, onFile }: TargetProps) {
  const { t } = useTranslation();
  const format = useFormat();
  const hint = t("swap.target.hint", {
    photo: format.bytes(policy.max_image_bytes),
    video: format.bytes(policy.max_video_bytes),
    duration: format.duration(policy.max_video_s),
  });
  return (
    <Panel title={t("swap.steps.target")} order={2}>
      {file === null ? (
        <MediaInput onFile={onFile} hint={hint} minHeight={340} />
      ) : (
        <Stack gap="sm">
          <MediaView
            source={file}
            kind={mediaKind(file) ?? "photo"}
            label={t("swap.target.named", { name: file.name })}
            testId="target"
          />
          <Group justify="space-between" gap="xs" wrap="nowrap">
            <Text size="sm" c="dimmed" className="truncate">
              {file.name} · {format.bytes(file.size)}
            </Text>
            <Button
              size="xs"
              variant="default"
              flex="none"
              leftSection={<RotateCcw size={14} />}
              onClick={() => onFile(null)}
            >
              {t("media.another")}
            </Button>
          </Group>
        </Stack>
      )}
    </Panel>
  );
}
