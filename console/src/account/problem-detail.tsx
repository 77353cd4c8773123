import { Alert } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { problemOf } from "#/api/problem";
import { problemTitle } from "#/shell/problem";

/** What went wrong, in place: title, and the fields that are wrong. */
export function ProblemDetail({ error }: { error: Error | null }) {
  const { t } = useTranslation();
  if (!error) return null;
  const problem = problemOf(error);
  const waits = problem.context.retry_after_s;
  return (
    <Alert color="cinnabar" role="alert" title={problemTitle(problem)}>
      {problem.errors.length > 0 ? problem.errors.map((item) => item.message).join(" ") : problem.detail}
      {typeof waits === "number" && ` ${t("account.waits", { count: waits })}`}
    </Alert>
  );
}
