import { Alert, Button, Group, Text } from "@mantine/core";
import { Hourglass, RotateCcw, TriangleAlert } from "lucide-react";
import { useTranslation } from "react-i18next";
import type { Problem } from "#/api/problem";
import { useSecondsLeft } from "#/enhance/countdown";
import { useFormat } from "#/i18n/format";
import { ProblemText, problemTitle } from "#/shell/problem";

interface RefusalProps {
  problem: Problem;
  /** By `performance.now()`: until then the server asks to wait. */
  retryAt: number | null;
  onRetry?: (() => void) | undefined;
}

/** Why it was not taken; where the server says when it may be sent again, that is counted down. */
export function Refusal({ problem, retryAt, onRetry }: RefusalProps) {
  const { t } = useTranslation();
  const format = useFormat();
  const leftS = useSecondsLeft(retryAt);
  const isWaiting = leftS !== null && leftS > 0;
  const isMoment = retryAt !== null;
  return (
    <Alert
      color={isMoment ? "ochre" : "cinnabar"}
      icon={isMoment ? <Hourglass size={20} /> : <TriangleAlert size={20} />}
      title={problemTitle(problem)}
      role="alert"
      data-testid="refusal"
    >
      <ProblemText problem={problem} />
      {(onRetry || isMoment) && (
        <Group gap="sm" mt="sm">
          {onRetry && (
            <Button
              size="xs"
              variant="default"
              leftSection={<RotateCcw size={14} />}
              disabled={isWaiting}
              onClick={onRetry}
            >
              {t("problem.retry")}
            </Button>
          )}
          {leftS !== null && (
            <Text size="sm" className="tabular" aria-live="off">
              {isWaiting
                ? t("enhance.refused.wait", { time: format.duration(leftS) })
                : t("enhance.refused.now")}
            </Text>
          )}
        </Group>
      )}
    </Alert>
  );
}
