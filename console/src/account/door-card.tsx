import { Center, Group, Stack, Text, Title } from "@mantine/core";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import classes from "#/account/account.module.css";
import { LanguageSwitch } from "#/shell/language-switch";
import { Logo } from "#/shell/logo";
import { SchemeSwitch } from "#/shell/scheme-switch";

interface DoorCardProps {
  title: string;
  text?: string;
  children: ReactNode;
}

/** The frame of all that is shown before somebody is in. */
export function DoorCard({ title, text, children }: DoorCardProps) {
  const { t } = useTranslation();
  return (
    <Center component="main" mih="100dvh" p="md">
      <Stack className={`surface ${classes.card}`} p="xl" gap="lg">
        <Group justify="space-between" wrap="nowrap">
          <Group gap="sm" wrap="nowrap">
            <Logo size={38} />
            <div>
              <Text fw={700} size="lg" lh={1.1}>
                Lianpu 脸谱
              </Text>
              <Text size="xs" c="dimmed">
                {t("shell.tagline")}
              </Text>
            </div>
          </Group>
          <Group gap={0} wrap="nowrap">
            <LanguageSwitch />
            <SchemeSwitch />
          </Group>
        </Group>
        <div>
          <Title order={1} size="h3">
            {title}
          </Title>
          {text && (
            <Text size="sm" c="dimmed" mt={4}>
              {text}
            </Text>
          )}
        </div>
        {children}
      </Stack>
    </Center>
  );
}
