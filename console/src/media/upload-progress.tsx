import { Button, Group, Progress, Stack, Text } from "@mantine/core";
import { CircleStop } from "lucide-react";
import { useTranslation } from "react-i18next";
import { useFormat } from "#/i18n/format";
import type { Sent } from "#/media/use-upload";

/** How much of a file has gone out. */
export function UploadProgress({ sent, onStop }: { sent: Sent; onStop: () => void }) {
  const { t } = useTranslation();
  const format = useFormat();
  return (
    <Stack gap="xs">
      <Group justify="space-between" gap="xs">
        <Text size="sm" c="dimmed" className="tabular" role="status">
          {t("media.sending", { sent: format.bytes(sent.sentBytes), total: format.bytes(sent.totalBytes) })}
        </Text>
        <Button size="xs" variant="default" leftSection={<CircleStop size={15} />} onClick={onStop}>
          {t("media.stop")}
        </Button>
      </Group>
      <Progress
        value={sent.totalBytes > 0 ? (100 * sent.sentBytes) / sent.totalBytes : 0}
        aria-label={t("media.progress")}
      />
    </Stack>
  );
}
