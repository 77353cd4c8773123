import { Badge, Loader, Skeleton, Text, Title } from "@mantine/core";
import type { UseQueryResult } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { useFormat } from "#/i18n/format";
import classes from "#/images/images.module.css";
import { useModelTitle, useTasks } from "#/images/queries";
import type { InferenceResult, InferenceTask } from "#/images/types";
import { ProblemAlert } from "#/shell/problem";

interface RunListProps {
  imageId: string;
  results: UseQueryResult<InferenceResult[]>;
  shown: string | null;
  onChoose: (resultId: string) => void;
}

/** All that was made of a picture, the newest first, and what is still on its way or came to nothing. */
export function RunList({ imageId, results, shown, onChoose }: RunListProps) {
  const { t } = useTranslation();
  const tasks = useTasks(imageId);
  const titleOf = useModelTitle();
  if (!results.data?.length && !tasks.data?.length && !results.error && !tasks.error) return null;
  return (
    <section className={`surface ${classes.panel}`} aria-label={t("images.results.title")}>
      <Title order={2} size="h5" mb="sm">
        {t("images.results.title")}
      </Title>
      {results.isPending && <Skeleton height={60} />}
      {results.error && <ProblemAlert error={results.error} onRetry={() => void results.refetch()} />}
      {tasks.error && <ProblemAlert error={tasks.error} onRetry={() => void tasks.refetch()} />}
      <ul className={classes.runs} aria-live="polite">
        {tasks.data?.map((task) => (
          <TaskRow key={task.task_id} task={task} title={titleOf(task.model)} />
        ))}
        {results.data?.map((result) => (
          <ResultRow
            key={result.result_id}
            result={result}
            title={titleOf(result.model)}
            isShown={result.result_id === shown}
            onChoose={() => onChoose(result.result_id)}
          />
        ))}
      </ul>
    </section>
  );
}

function TaskRow({ task, title }: { task: InferenceTask; title: string }) {
  const { t } = useTranslation();
  const isUnderWay = task.finished_at === null;
  return (
    <li
      className={`${classes.run} ${task.error ? classes.failed : ""}`}
      data-testid="run"
      data-status={task.status}
    >
      <div className={classes.runHead}>
        <Text size="sm" fw={600} className="truncate">
          {title}
        </Text>
        <Badge variant="light" color={isUnderWay ? "ochre" : task.status === "failed" ? "cinnabar" : "gray"}>
          {t(`jobs.states.${task.status}`)}
        </Badge>
      </div>
      {isUnderWay && <Loader size={16} aria-label={t(`jobs.states.${task.status}`)} />}
      {task.error && (
        <Text size="sm" style={{ overflowWrap: "anywhere" }}>
          {task.error.detail || task.error.title} <code>{task.error.code}</code>
        </Text>
      )}
    </li>
  );
}

interface ResultRowProps {
  result: InferenceResult;
  title: string;
  isShown: boolean;
  onChoose: () => void;
}

function ResultRow({ result, title, isShown, onChoose }: ResultRowProps) {
  const format = useFormat();
  return (
    <li data-testid="run" data-status="completed">
      <button type="button" className={classes.run} aria-pressed={isShown} onClick={onChoose}>
        <Text size="sm" fw={600} className="truncate">
          {title}
        </Text>
        <Text size="xs" c="dimmed" className="tabular" flex="none">
          {format.dateTime(result.created_at)}
        </Text>
      </button>
    </li>
  );
}
