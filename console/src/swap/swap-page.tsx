import { Skeleton, Stack, Tabs } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { FileImage, Video } from "lucide-react";
import { useTranslation } from "react-i18next";
import { useMay } from "#/account/session";
import { PageHeader } from "#/shell/page-header";
import { ProblemAlert } from "#/shell/problem";
import { LivePanel } from "#/swap/live/live-panel";
import { policyQuery } from "#/swap/queries";
import { Studio } from "#/swap/studio/studio";
import { SwapsOff } from "#/swap/swaps-off";

const route = getRouteApi("/swap");

/** Puts a consenting person's face onto a photo, a video or a running stream. */
export function SwapPage() {
  const { t } = useTranslation();
  const { mode } = route.useSearch();
  const navigate = route.useNavigate();
  const policy = useQuery(policyQuery);
  const mayWatch = useMay("streams:read");
  return (
    <>
      <PageHeader title={t("swap.title")} intro={t("swap.intro")} />
      <Stack gap="lg">
        {policy.isPending && <Skeleton height={420} radius="lg" />}
        {policy.error && <ProblemAlert error={policy.error} onRetry={() => void policy.refetch()} />}
        {policy.data?.enabled === false && <SwapsOff />}
        {policy.data?.enabled && (
          <Tabs
            value={mode ?? "file"}
            onChange={(value) => void navigate({ search: value === "live" ? { mode: "live" } : {} })}
            keepMounted={false}
          >
            <Tabs.List mb="lg">
              <Tabs.Tab value="file" leftSection={<FileImage size={16} />}>
                {t("swap.tabs.file")}
              </Tabs.Tab>
              {mayWatch && (
                <Tabs.Tab value="live" leftSection={<Video size={16} />}>
                  {t("swap.tabs.live")}
                </Tabs.Tab>
              )}
            </Tabs.List>
            <Tabs.Panel value="file">
              <Studio policy={policy.data} />
            </Tabs.Panel>
            <Tabs.Panel value="live">
              <LivePanel />
            </Tabs.Panel>
          </Tabs>
        )}
      </Stack>
    </>
  );
}
