import { Group, Menu, Text, UnstyledButton } from "@mantine/core";
import { useNavigate } from "@tanstack/react-router";
import { ChevronsUpDown, LogOut, UserCog } from "lucide-react";
import { useTranslation } from "react-i18next";
import { useUser } from "#/account/session";
import { logOut } from "#/api/session";

/** Who is logged in, and the way out. */
export function AccountMenu() {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const user = useUser();
  if (!user) return null;
  return (
    <Menu position="top-start" width={210} withinPortal>
      <Menu.Target>
        <UnstyledButton px={6} py={8} aria-label={`${t("account.menu")}: ${user.name}`}>
          <Group gap="xs" wrap="nowrap" justify="space-between">
            <div style={{ minWidth: 0 }}>
              <Text size="sm" fw={600} truncate>
                {user.name}
              </Text>
              <Text size="xs" c="dimmed">
                {t(`account.roles.${user.role}`)}
              </Text>
            </div>
            <ChevronsUpDown size={16} aria-hidden />
          </Group>
        </UnstyledButton>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item leftSection={<UserCog size={16} />} onClick={() => void navigate({ to: "/profile" })}>
          {t("account.profile")}
        </Menu.Item>
        <Menu.Item leftSection={<LogOut size={16} />} onClick={() => void logOut()}>
          {t("account.logOut")}
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
