import { Badge } from "@mantine/core";
import { useTranslation } from "react-i18next";

/** Whether what is shown is pushed, or asked for every now and then. */
export function LiveBadge({ isLive }: { isLive: boolean }) {
  const { t } = useTranslation();
  return (
    <Badge
      variant="dot"
      color={isLive ? "jade" : "ochre"}
      size="lg"
      role="status"
      data-testid="live"
      data-live={isLive}
    >
      {t(isLive ? "push.live" : "push.polled")}
    </Badge>
  );
}
