import { Button, Group, Stack, Text, ThemeIcon, Title } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { RefreshCw, ShieldCheck } from "lucide-react";
import { useTranslation } from "react-i18next";
import classes from "#/enhance/enhance.module.css";
import type { Accepted, EnhancementRun } from "#/enhance/run";
import { askForResult } from "#/enhance/server";
import { useFormat } from "#/i18n/format";
import { ProblemAlert } from "#/shell/problem";

/** That nothing is left on the server: since when, by what, and what the server says when it is asked once more. */
export function Proof({ run, state }: { run: EnhancementRun; state: Accepted }) {
  const { t } = useTranslation();
  const format = useFormat();
  const { enhancement, fetching } = state;
  const check = useMutation({
    meta: { told: true },
    mutationFn: async () => {
      const answer = await askForResult(enhancement.enhancement_id, run.token);
      await run.read();
      return { ...answer, at: new Date().toISOString() };
    },
  });
  if (enhancement.cleaned_at === null) return null;
  const by = enhancement.cleaned_by ?? "deleted";
  return (
    <section className={`surface ${classes.panel}`} aria-live="polite" data-testid="proof">
      <Group gap="sm" wrap="nowrap" align="flex-start">
        <ThemeIcon size={40} radius="xl" variant="light" color="jade">
          <ShieldCheck size={22} />
        </ThemeIcon>
        <Stack gap={4} miw={0}>
          <Title order={2} size="h5">
            {t(run.isBatch ? "enhance.proof.titleBatch" : "enhance.proof.title")}
          </Title>
          <Text size="sm">{t(`enhance.proof.by.${by}`)}</Text>
        </Stack>
      </Group>
      <dl className={`${classes.facts} tabular`}>
        <dt>{t("enhance.proof.status")}</dt>
        <dd>
          <code>{enhancement.status}</code>, <code>{by}</code>
        </dd>
        <dt>{t("enhance.proof.since")}</dt>
        <dd>
          <time dateTime={enhancement.cleaned_at}>{format.moment(enhancement.cleaned_at)}</time>
        </dd>
        <dt>{t("enhance.proof.id")}</dt>
        <dd>
          <code className={classes.id}>{enhancement.enhancement_id}</code>
        </dd>
        {check.data && (
          <>
            <dt>{t("enhance.proof.again")}</dt>
            <dd data-testid="proof-again">
              {format.time(check.data.at)}: HTTP {check.data.status} <code>{check.data.code}</code>
            </dd>
          </>
        )}
      </dl>
      <Text size="sm" c="dimmed">
        {t(fetching.kind === "here" ? "enhance.proof.memoryHere" : "enhance.proof.memory")}
      </Text>
      {check.error && <ProblemAlert error={check.error} />}
      <Button
        size="xs"
        variant="default"
        leftSection={<RefreshCw size={14} />}
        loading={check.isPending}
        onClick={() => check.mutate()}
      >
        {t("enhance.proof.ask")}
      </Button>
    </section>
  );
}
