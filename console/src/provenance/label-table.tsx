import { Badge, Text } from "@mantine/core";
import type { TFunction } from "i18next";
import { Check, CircleSlash, type LucideIcon, TriangleAlert, X } from "lucide-react";
import { useTranslation } from "react-i18next";
import classes from "#/provenance/provenance.module.css";
import { type LabelState, labelStates, type ProvenanceReport } from "#/provenance/report";
import type { Label } from "#/swap/types";

const LOOKS: Record<LabelState, { color: string; icon: LucideIcon; tint: string }> = {
  there: { color: "jade", icon: Check, tint: "var(--match)" },
  broken: { color: "cinnabar", icon: TriangleAlert, tint: "var(--mantine-color-error)" },
  lost: { color: "ochre", icon: X, tint: "var(--unknown)" },
  absent: { color: "gray", icon: CircleSlash, tint: "var(--mantine-color-dimmed)" },
};

/** Every label: whether it is there, and what it says. */
export function LabelTable({ report }: { report: ProvenanceReport }) {
  const { t } = useTranslation();
  return (
    <ul className={classes.labels}>
      {labelStates(report).map(([label, state]) => {
        const { color, icon: Icon, tint } = LOOKS[state];
        return (
          <li key={label} data-testid="label" data-label={label} data-state={state}>
            <Icon size={18} color={tint} aria-hidden />
            <div>
              <Text size="sm" fw={600}>
                {t(`swap.labels.${label}.title`)}
              </Text>
              <Text size="sm" c="dimmed">
                {t(`swap.labels.${label}.text`)}
              </Text>
              {wordsOf(t, report, label).map((text) => (
                <Text key={text} size="sm">
                  {text}
                </Text>
              ))}
              {codesOf(report, label).map((text) => (
                <Text key={text} size="sm" className={classes.code}>
                  {text}
                </Text>
              ))}
            </div>
            <Badge variant="light" color={color} miw="max-content">
              {t(`provenance.states.${state}`)}
            </Badge>
          </li>
        );
      })}
    </ul>
  );
}

/** Whom a signature is by, and whether that counts here. */
function wordsOf(t: TFunction, { manifest }: ProvenanceReport, label: Label): string[] {
  if (label !== "c2pa" || !manifest) return [];
  const by = [...new Set([manifest.issuer, manifest.generator].filter(Boolean))].join(" · ");
  return [
    ...(by ? [t("provenance.signedBy", { by })] : []),
    ...(manifest.valid ? [t(manifest.trusted ? "provenance.trusted" : "provenance.untrusted")] : []),
  ];
}

/** What a label says itself, as it is written. */
function codesOf({ manifest, metadata, watermark }: ProvenanceReport, label: Label): string[] {
  switch (label) {
    case "xmp":
      return metadata.digital_source_type ? [metadata.digital_source_type] : [];
    case "aigc": {
      const said = Object.entries(metadata.aigc ?? {}).filter(([, value]) => value !== "");
      return said.length > 0 ? [said.map(([name, value]) => `${name}: ${value}`).join(" · ")] : [];
    }
    case "c2pa":
      // A certificate that nobody vouches for is told in words, and is no fault of the file.
      return manifest?.problems.filter((problem) => problem !== "signingCredential.untrusted") ?? [];
    case "watermark":
      return watermark ? [watermark.mark] : [];
    default:
      return [];
  }
}
