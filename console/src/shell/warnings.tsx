import { List, Text } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import type { ProblemWarning } from "#/api/problem";
import { warningFigure } from "#/shell/warning-figure";

/** What is amiss with a photo, with the way to the person whom it looks like. */
export function WarningList({ warnings }: { warnings: ProblemWarning[] }) {
  return (
    <List size="sm" spacing={2} data-testid="warnings">
      {warnings.map((warning) => (
        <List.Item key={`${warning.code} ${warning.person_id ?? ""}`}>
          <WarningText warning={warning} />
        </List.Item>
      ))}
    </List>
  );
}

function WarningText({ warning }: { warning: ProblemWarning }) {
  const { t } = useTranslation();
  const text = t(`problem.warnings.${warning.code}` as "problem.warnings.looks_like_another_person", {
    value: warningFigure(warning.code, warning.value),
    limit: warningFigure(warning.code, warning.limit),
    name: warning.name ?? "",
    defaultValue: warning.message,
  });
  if (!warning.person_id) return <>{text}</>;
  return (
    <Text
      span
      inherit
      c="inherit"
      td="underline"
      renderRoot={(props) => (
        // In a tab of its own: what was gathered in the enrolment dialog stays.
        <Link
          {...props}
          to="/gallery/$personId"
          params={{ personId: warning.person_id ?? "" }}
          target="_blank"
        />
      )}
    >
      {text}
    </Text>
  );
}
