import { Button, Menu } from "@mantine/core";
import { Languages } from "lucide-react";
import { useTranslation } from "react-i18next";
import { changeLanguage } from "#/i18n";
import { type Language, languageNames, languages } from "#/i18n/language";

export function LanguageSwitch() {
  const { t, i18n } = useTranslation();
  return (
    <Menu position="top-start">
      <Menu.Target>
        <Button
          variant="subtle"
          color="gray"
          size="compact-sm"
          fw={500}
          leftSection={<Languages size={16} />}
          aria-label={`${t("shell.language")}: ${languageNames[i18n.language as Language]}`}
        >
          {languageNames[i18n.language as Language]}
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        {languages.map((language) => (
          <Menu.Item key={language} lang={language} onClick={() => changeLanguage(language)}>
            {languageNames[language]}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}
