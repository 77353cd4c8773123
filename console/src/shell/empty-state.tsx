import { Stack, Text, ThemeIcon, Title } from "@mantine/core";
import type { LucideIcon } from "lucide-react";
import type { ReactNode } from "react";

interface EmptyStateProps {
  icon: LucideIcon;
  title: string;
  text: string;
  color?: "cinnabar" | "jade";
  children?: ReactNode;
}

/** Nothing here yet: says so, and what to do about it. */
export function EmptyState({ icon: Icon, title, text, color = "cinnabar", children }: EmptyStateProps) {
  return (
    <Stack align="center" gap="sm" py={64} px="md" className="surface">
      <ThemeIcon size={60} radius="xl" variant="light" color={color}>
        <Icon size={28} strokeWidth={1.6} />
      </ThemeIcon>
      <Title order={2} size="h4" ta="center">
        {title}
      </Title>
      <Text c="dimmed" ta="center" maw={460}>
        {text}
      </Text>
      {children}
    </Stack>
  );
}
