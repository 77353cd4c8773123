import { Alert, Code, List, Text } from "@mantine/core";
import { PowerOff } from "lucide-react";
import { useTranslation } from "react-i18next";

/** Swaps are off, and how whoever runs the server turns them on. */
export function SwapsOff() {
  const { t } = useTranslation();
  return (
    <Alert
      color="ochre"
      icon={<PowerOff size={20} />}
      title={t("swap.off.title")}
      role="status"
      data-testid="swaps-off"
    >
      <Text size="sm" mb={6}>
        {t("swap.off.text")}
      </Text>
      <List type="ordered" size="sm" spacing={4}>
        <List.Item>
          {t("swap.off.setting")} <Code>swap.enabled: true</Code> {t("swap.off.or")}{" "}
          <Code>LIANPU_SWAP__ENABLED=true</Code>
        </List.Item>
        <List.Item>{t("swap.off.grant")}</List.Item>
        <List.Item>{t("swap.off.consent")}</List.Item>
      </List>
    </Alert>
  );
}
