import { Group, Kbd, Modal, Stack, Text, Title } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { useMay } from "#/account/session";
import type { Page } from "#/shell/navigation";

const onPage = [
  ["?", "help"],
  ["/", "filter"],
  ["n", "enrol"],
  ["c", "camera"],
  ["← →", "faces"],
  ["Esc", "closeDialog"],
] as const;

interface ShortcutsDialogProps {
  /** Those that one may open. */
  pages: Page[];
  opened: boolean;
  onClose: () => void;
}

export function ShortcutsDialog({ pages, opened, onClose }: ShortcutsDialogProps) {
  const { t } = useTranslation();
  const mayEnrol = useMay("gallery:enrol");
  const offered = onPage.filter(([, name]) => name !== "enrol" || mayEnrol);
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      title={t("shell.shortcuts.title")}
      closeButtonProps={{ "aria-label": t("shell.close") }}
    >
      <Stack gap="lg">
        <Stack gap="xs">
          <Title order={3} size="h6" c="dimmed">
            {t("shell.shortcuts.go")}
          </Title>
          {pages.map((page) => (
            <Group key={page.name} justify="space-between">
              <Text size="sm">{t(`shell.pages.${page.name}`)}</Text>
              <Group gap={6}>
                <Kbd>g</Kbd>
                <Text size="xs" c="dimmed">
                  {t("shell.shortcuts.followedBy")}
                </Text>
                <Kbd>{page.key}</Kbd>
              </Group>
            </Group>
          ))}
        </Stack>
        <Stack gap="xs">
          <Title order={3} size="h6" c="dimmed">
            {t("shell.shortcuts.onPage")}
          </Title>
          {offered.map(([keys, name]) => (
            <Group key={name} justify="space-between">
              <Text size="sm">{t(`shell.shortcuts.${name}`)}</Text>
              <Kbd>{keys}</Kbd>
            </Group>
          ))}
        </Stack>
      </Stack>
    </Modal>
  );
}
