import { Button, Group, Select, Skeleton, Stack, Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Clock, Play } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { newUploadKey } from "#/gallery/bulk/upload";
import classes from "#/images/images.module.css";
import { modelsQuery, useRun, useRunInBackground } from "#/images/queries";
import type { InferenceModel } from "#/images/types";
import { ProblemAlert } from "#/shell/problem";

/** Which model, and now or in the background. */
export function RunPanel({ imageId, onRun }: { imageId: string; onRun: () => void }) {
  const { t } = useTranslation();
  const models = useQuery(modelsQuery);
  return (
    <section className={`surface ${classes.panel}`}>
      <Title order={2} size="h5" mb="sm">
        {t("images.run.title")}
      </Title>
      {models.isPending && <Skeleton height={90} />}
      {models.error && <ProblemAlert error={models.error} onRetry={() => void models.refetch()} />}
      {models.data && <RunForm models={models.data} imageId={imageId} onRun={onRun} />}
    </section>
  );
}

function RunForm({
  models,
  imageId,
  onRun,
}: {
  models: InferenceModel[];
  imageId: string;
  onRun: () => void;
}) {
  const { t } = useTranslation();
  const ready = models.filter((model) => model.state === "ready");
  const [name, setName] = useState<string | null>(ready[0]?.name ?? null);
  const run = useRun(imageId);
  const later = useRunInBackground(imageId);
  const model = ready.find((one) => one.name === name);
  const unavailable = models.filter((one) => one.state !== "ready");
  if (models.length === 0) return <Text size="sm">{t("images.run.noModels")}</Text>;
  return (
    <Stack gap="sm">
      <Select
        label={t("images.run.model")}
        data={ready.map((one) => ({ value: one.name, label: one.title }))}
        value={name}
        onChange={setName}
        allowDeselect={false}
        placeholder={t("images.run.noneReady")}
        disabled={ready.length === 0}
      />
      {model && (
        <Text size="sm" c="dimmed">
          {model.description} {model.labels && t("images.run.classes", { count: model.labels.length })}
        </Text>
      )}
      <Group gap="xs">
        <Button
          flex="1 0 auto"
          leftSection={<Play size={16} />}
          disabled={!model || later.isPending}
          loading={run.isPending}
          onClick={() => model && run.mutate(model.name, { onSuccess: onRun })}
        >
          {t("images.run.now")}
        </Button>
        <Button
          flex="1 0 auto"
          variant="default"
          leftSection={<Clock size={16} />}
          disabled={!model || run.isPending}
          loading={later.isPending}
          onClick={() =>
            model && later.mutate({ model: model.name, key: newUploadKey() }, { onSuccess: onRun })
          }
        >
          {t("images.run.background")}
        </Button>
      </Group>
      {unavailable.length > 0 && <Unavailable models={unavailable} />}
    </Stack>
  );
}

/** What is there and cannot be used, with the reason: whoever dropped a model in wants to know why it does not run. */
function Unavailable({ models }: { models: InferenceModel[] }) {
  const { t } = useTranslation();
  return (
    <details className={classes.unavailable} data-testid="unavailable-models">
      <summary>{t("images.run.unavailable", { count: models.length })}</summary>
      <ul>
        {models.map((model) => (
          <li key={`${model.source} ${model.name} ${model.detail}`}>
            <b>{model.title}</b>: {model.detail}
          </li>
        ))}
      </ul>
    </details>
  );
}
