import { Button, Skeleton, Stack } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Cog, RotateCw } from "lucide-react";
import { useTranslation } from "react-i18next";
import { EmptyState } from "#/shell/empty-state";
import { PageHeader } from "#/shell/page-header";
import { ProblemAlert } from "#/shell/problem";
import { EngineCard } from "#/swap/engines/engine-card";
import classes from "#/swap/engines/engines.module.css";
import { PolicyPanel } from "#/swap/engines/policy-panel";
import { enginesQuery, policyQuery } from "#/swap/queries";
import { isUsable } from "#/swap/readiness";
import { SwapsOff } from "#/swap/swaps-off";

/** Every engine: what it can do, whether it is ready, and what to do where it is not. */
export function EnginesPage() {
  const { t } = useTranslation();
  const engines = useQuery(enginesQuery);
  const policy = useQuery(policyQuery);
  return (
    <>
      <PageHeader title={t("swapEngines.title")} intro={t("swapEngines.intro")}>
        <Button
          variant="default"
          leftSection={<RotateCw size={16} />}
          loading={engines.isFetching}
          onClick={() => void engines.refetch()}
        >
          {t("swapEngines.again")}
        </Button>
      </PageHeader>
      <Stack gap="lg">
        {policy.data?.enabled === false && <SwapsOff />}
        {policy.error && <ProblemAlert error={policy.error} onRetry={() => void policy.refetch()} />}
        {policy.data && <PolicyPanel policy={policy.data} />}
        {engines.isPending && <Skeleton height={240} radius="lg" />}
        {engines.error && <ProblemAlert error={engines.error} onRetry={() => void engines.refetch()} />}
        {engines.data?.length === 0 && (
          <EmptyState icon={Cog} title={t("swapEngines.empty.title")} text={t("swapEngines.empty.text")} />
        )}
        <div className={classes.list}>
          {[...(engines.data ?? [])]
            .sort((one, other) => Number(isUsable(other)) - Number(isUsable(one)))
            .map((engine) => (
              <EngineCard key={engine.engine} engine={engine} />
            ))}
        </div>
      </Stack>
    </>
  );
}
