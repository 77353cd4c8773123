import { Tabs } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { Image, Images, Sparkles } from "lucide-react";
import { useTranslation } from "react-i18next";
import { BatchTab } from "#/enhance/batch-tab";
import { useLeaveWarning } from "#/enhance/leave-warning";
import { PhotoTab, TabSkeleton } from "#/enhance/photo-tab";
import { enginesQuery } from "#/enhance/queries";
import { EmptyState } from "#/shell/empty-state";
import { PageHeader } from "#/shell/page-header";
import { ProblemAlert } from "#/shell/problem";

const route = getRouteApi("/enhance");

export function EnhancePage() {
  const { t } = useTranslation();
  const { batch = false } = route.useSearch();
  const navigate = route.useNavigate();
  const engines = useQuery(enginesQuery);
  useLeaveWarning();
  const hasNone = engines.data?.restorers.length === 0 && engines.data.upscalers.length === 0;
  return (
    <>
      <PageHeader title={t("enhance.title")} intro={t("enhance.intro")} />
      {engines.isPending && <TabSkeleton />}
      {engines.error && !engines.data && (
        <ProblemAlert error={engines.error} onRetry={() => void engines.refetch()} />
      )}
      {hasNone && (
        <EmptyState icon={Sparkles} title={t("enhance.noEngines.title")} text={t("enhance.noEngines.text")} />
      )}
      {engines.data && !hasNone && (
        <Tabs
          value={batch ? "batch" : "photo"}
          onChange={(tab) => void navigate({ search: tab === "batch" ? { batch: true } : {}, replace: true })}
          keepMounted={false}
        >
          <Tabs.List mb="lg">
            <Tabs.Tab value="photo" leftSection={<Image size={16} />}>
              {t("enhance.tabs.photo")}
            </Tabs.Tab>
            <Tabs.Tab value="batch" leftSection={<Images size={16} />}>
              {t("enhance.tabs.batch")}
            </Tabs.Tab>
          </Tabs.List>
          <Tabs.Panel value="photo">
            <PhotoTab engines={engines.data} />
          </Tabs.Panel>
          <Tabs.Panel value="batch">
            <BatchTab engines={engines.data} />
          </Tabs.Panel>
        </Tabs>
      )}
    </>
  );
}
