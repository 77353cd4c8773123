import { Text } from "@mantine/core";
import { Braces, Eye, EyeOff, Fingerprint, type LucideIcon, ScrollText, Signature, Tags } from "lucide-react";
import { useTranslation } from "react-i18next";
import classes from "#/swap/swap.module.css";
import { LABELS, type Label } from "#/swap/types";

const ICONS: Record<Label | "audit", LucideIcon> = {
  visible: Eye,
  xmp: Tags,
  aigc: Braces,
  c2pa: Signature,
  watermark: Fingerprint,
  audit: ScrollText,
};

/** Every label that an output carries, in words. */
export function LabelList({ labels }: { labels: readonly string[] }) {
  const { t } = useTranslation();
  return (
    <ul className={classes.labels}>
      {!labels.includes("visible") && (
        <Row name="left-out" icon={EyeOff} title={t("swap.labels.leftOut.title")}>
          {t("swap.labels.leftOut.text")}
        </Row>
      )}
      {([...LABELS.filter((label) => labels.includes(label)), "audit"] as const).map((label) => (
        <Row key={label} name={label} icon={ICONS[label]} title={t(`swap.labels.${label}.title`)}>
          {t(`swap.labels.${label}.text`)}
        </Row>
      ))}
    </ul>
  );
}

interface RowProps {
  name: string;
  icon: LucideIcon;
  title: string;
  children: string;
}

function Row({ name, icon: Icon, title, children }: RowProps) {
  return (
    <li data-testid="label" data-label={name}>
      <Icon size={18} strokeWidth={1.7} aria-hidden />
      <div>
        <Text size="sm" fw={600}>
          {title}
        </Text>
        <Text size="sm" c="dimmed">
          {children}
        </Text>
      </div>
    </li>
  );
}
