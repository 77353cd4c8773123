import { Alert, Button, Text } from "@mantine/core";
import { RotateCcw, TriangleAlert } from "lucide-react";
import { useTranslation } from "react-i18next";
import { ProblemError } from "#/api/problem";
import { useErrorTitle } from "#/enhance/error-title";
import type { Accepted } from "#/enhance/run";
import { ProblemAlert } from "#/shell/problem";

/** Why an enhancement came to nothing. */
export function EndedProblem({ state, onRetry }: { state: Accepted; onRetry: () => void }) {
  const { t } = useTranslation();
  const titleOf = useErrorTitle();
  const { error, photos, status } = state.enhancement;
  // Of a single photo it is the photo's error that says more.
  const shown = error ?? (status === "failed" ? (photos[0]?.error ?? null) : null);
  return (
    <>
      {state.problem && <ProblemAlert error={new ProblemError(state.problem)} />}
      {shown && (
        <Alert color="cinnabar" icon={<TriangleAlert size={20} />} title={titleOf(shown)} role="alert">
          <Text size="sm">
            {shown.detail} <code>{shown.code}</code>
          </Text>
          <Button mt="sm" size="xs" variant="default" leftSection={<RotateCcw size={14} />} onClick={onRetry}>
            {t("problem.retry")}
          </Button>
        </Alert>
      )}
    </>
  );
}
