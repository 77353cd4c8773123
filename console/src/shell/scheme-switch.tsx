import { ActionIcon, Menu, Tooltip, useMantineColorScheme } from "@mantine/core";
import { Check, Monitor, Moon, Sun } from "lucide-react";
import { useTranslation } from "react-i18next";

const schemes = [
  { name: "auto", icon: Monitor },
  { name: "light", icon: Sun },
  { name: "dark", icon: Moon },
] as const;

export function SchemeSwitch() {
  const { t } = useTranslation();
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const Current = schemes.find((scheme) => scheme.name === colorScheme)?.icon ?? Monitor;
  return (
    <Menu position="top">
      <Menu.Target>
        <Tooltip label={t("shell.scheme.label")}>
          <ActionIcon color="gray" aria-label={t("shell.scheme.label")}>
            <Current size={18} />
          </ActionIcon>
        </Tooltip>
      </Menu.Target>
      <Menu.Dropdown>
        {schemes.map(({ name, icon: Icon }) => (
          <Menu.Item
            key={name}
            leftSection={<Icon size={16} />}
            rightSection={name === colorScheme ? <Check size={14} /> : null}
            onClick={() => setColorScheme(name)}
          >
            {t(`shell.scheme.${name}`)}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}
