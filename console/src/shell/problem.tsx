import {
  ActionIcon,
  Alert,
  Button,
  Code,
  CopyButton,
  Group,
  List,
  Stack,
  Text,
  Tooltip,
} from "@mantine/core";
import { notifications } from "@mantine/notifications";
import i18next from "i18next";
import { Check, Copy, TriangleAlert } from "lucide-react";
import { useTranslation } from "react-i18next";
import { type Problem, problemOf } from "#/api/problem";
import { WarningList } from "#/shell/warnings";

const TOAST_MS = 12_000;

/** The title in the person's language where there is one; the server's own otherwise. */
export function problemTitle(problem: Problem): string {
  return i18next.t(`problem.titles.${problem.code}` as "problem.titles.several_faces", {
    defaultValue: problem.title,
  });
}

/** What to do about it, in the person's language; empty where the server's own words must do. */
export function problemHint(problem: Problem): string {
  return i18next.t(`problem.hints.${problem.code}` as "problem.hints.server_unreachable", {
    ...problem.context,
    defaultValue: "",
  });
}

/** Detail, fields, code and request id: what a person needs, and what they need to report. */
export function ProblemText({ problem }: { problem: Problem }) {
  const { t } = useTranslation();
  const hint = problemHint(problem);
  return (
    <Stack gap={6}>
      <Text size="sm">{hint || problem.detail}</Text>
      {problem.warnings.length > 0 && <WarningList warnings={problem.warnings} />}
      {problem.warnings.length === 0 && problem.errors.length > 0 && (
        <List size="sm">
          {problem.errors.map((item) => (
            <List.Item key={`${item.field} ${item.code}`}>{t("problem.field", { ...item })}</List.Item>
          ))}
        </List>
      )}
      <Group gap={6}>
        <Code>{problem.code}</Code>
        {problem.requestId && (
          <Group gap={2} wrap="nowrap">
            <Text size="xs" c="dimmed">
              {t("problem.requestId")}
            </Text>
            <Code style={{ overflowWrap: "anywhere" }}>{problem.requestId}</Code>
            <CopyButton value={problem.requestId}>
              {({ copied, copy }) => (
                <Tooltip label={t("problem.copyRequestId")}>
                  <ActionIcon size="sm" color="gray" aria-label={t("problem.copyRequestId")} onClick={copy}>
                    {copied ? <Check size={13} /> : <Copy size={13} />}
                  </ActionIcon>
                </Tooltip>
              )}
            </CopyButton>
          </Group>
        )}
      </Group>
    </Stack>
  );
}

export function toastProblem(error: unknown) {
  const problem = problemOf(error);
  notifications.show({
    color: "cinnabar",
    icon: <TriangleAlert size={18} />,
    title: problemTitle(problem),
    message: <ProblemText problem={problem} />,
    autoClose: TOAST_MS,
    role: "alert",
  });
}

export function toastDone(message: string) {
  notifications.show({ color: "jade", icon: <Check size={18} />, message });
}

/** A problem that stands where the content would be. */
export function ProblemAlert({ error, onRetry }: { error: unknown; onRetry?: () => void }) {
  const { t } = useTranslation();
  const problem = problemOf(error);
  return (
    <Alert color="cinnabar" icon={<TriangleAlert size={20} />} title={problemTitle(problem)} role="alert">
      <ProblemText problem={problem} />
      {onRetry && (
        <Button mt="sm" size="xs" variant="default" onClick={onRetry}>
          {t("problem.retry")}
        </Button>
      )}
    </Alert>
  );
}
