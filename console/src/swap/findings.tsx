import { Text } from "@mantine/core";
import { Check, TriangleAlert } from "lucide-react";
import { useTranslation } from "react-i18next";
import classes from "#/swap/swap.module.css";
import type { EngineFinding } from "#/swap/types";

/** What was looked at, and what to do where something is amiss: the server's own words. */
export function Findings({ findings }: { findings: EngineFinding[] }) {
  const { t } = useTranslation();
  return (
    <ul className={classes.findings}>
      {findings.map((finding) => (
        <li key={`${finding.name} ${finding.detail}`} data-testid="finding" data-ok={finding.is_ok}>
          {finding.is_ok ? (
            <Check size={16} color="var(--match)" role="img" aria-label={t("swap.findings.ok")} />
          ) : (
            <TriangleAlert
              size={16}
              color="var(--unknown)"
              role="img"
              aria-label={t("swap.findings.amiss")}
            />
          )}
          <div>
            <Text size="sm" style={{ overflowWrap: "anywhere" }}>
              <b>{finding.name}</b> {finding.detail}
            </Text>
            {finding.advice && (
              <Text size="sm" c="dimmed" style={{ overflowWrap: "anywhere" }}>
                {finding.advice}
              </Text>
            )}
          </div>
        </li>
      ))}
    </ul>
  );
}
