import { ActionIcon, Badge, Button, Group, Skeleton, Stack, Text, Title, Tooltip } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Pencil } from "lucide-react";
import { useCallback, useState } from "react";
import { useTranslation } from "react-i18next";
import { useMay } from "#/account/session";
import type { Job, Pack } from "#/api/types";
import { useFormat } from "#/i18n/format";
import { JobProgress } from "#/jobs/job-progress";
import { hasEnded, useJobEnd } from "#/jobs/queries";
import { CoverageFigures } from "#/packs/coverage-figures";
import { DefaultDialog } from "#/packs/default-dialog";
import { labelOf, thresholdOf } from "#/packs/labels";
import { LicenceText, PackDetail, RoleBadges, StateBadge } from "#/packs/pack-facts";
import { PackMenu } from "#/packs/pack-menu";
import classes from "#/packs/packs.module.css";
import { packsChanged, useReembed } from "#/packs/queries";
import { RemovePackDialog } from "#/packs/remove-pack-dialog";
import { ShadowDialog } from "#/packs/shadow-dialog";
import { ThresholdDialog } from "#/packs/threshold-dialog";

interface PackPanelProps {
  pack: Pack;
  /** Label of the default pack. */
  active: string;
  isShadow: boolean;
  /** The newest re-embedding of this pack. */
  job: Job | null;
}

/** A pack: what it is, what of the gallery it knows, and what can be done with it. */
export function PackPanel({ pack, active, isShadow, job }: PackPanelProps) {
  const { t } = useTranslation();
  const format = useFormat();
  const [asked, setAsked] = useState<"default" | "shadow" | "remove" | null>(null);
  const close = () => setAsked(null);
  const facts = [
    pack.dimension !== null && t("packs.dimension", { count: pack.dimension }),
    pack.size_bytes > 0 && format.bytes(pack.size_bytes),
    pack.provider,
  ].filter(Boolean);
  return (
    <Stack component="article" gap="sm" className={`surface ${classes.pack}`} data-testid="pack">
      <Group justify="space-between" align="flex-start" gap="sm">
        <Group gap={8}>
          <Title order={2} size="h4">
            {pack.name}
            <Text span c="dimmed" fw={400}>
              @{pack.version}
            </Text>
          </Title>
          {pack.is_default && <Badge variant="outline">{t("packs.default")}</Badge>}
          <StateBadge pack={pack} />
          {pack.provider && <Badge variant="default">{t("packs.loaded")}</Badge>}
          {isShadow && (
            <Badge variant="light" color="ochre">
              {t("packs.shadowed")}
            </Badge>
          )}
        </Group>
        <Group gap="xs">
          <Actions pack={pack} job={job} onDefault={() => setAsked("default")} />
          <PackMenu
            pack={pack}
            isShadow={isShadow}
            onShadow={() => setAsked("shadow")}
            onRemove={() => setAsked("remove")}
          />
        </Group>
      </Group>
      {pack.summary && <Text size="sm">{pack.summary}</Text>}
      <PackDetail pack={pack} />
      <RoleBadges pack={pack} />
      {facts.length > 0 && (
        <Text size="sm" c="dimmed" className="tabular">
          {facts.join(" · ")}
        </Text>
      )}
      {pack.licence && <LicenceText licence={pack.licence} />}
      {pack.coverage && (
        <div className={classes.figures}>
          <section aria-label={t("packs.coverage.title")}>
            <div className={classes.caption}>{t("packs.coverage.title")}</div>
            <CoverageFigures coverage={pack.coverage} />
          </section>
          <ThresholdFigure pack={pack} />
        </div>
      )}
      {job && <ReembedProgress job={job} />}
      {asked === "default" && <DefaultDialog pack={pack} onClose={close} />}
      {asked === "shadow" && <ShadowDialog pack={pack} active={active} onClose={close} />}
      {asked === "remove" && <RemovePackDialog pack={pack} onClose={close} />}
    </Stack>
  );
}

function Actions({ pack, job, onDefault }: { pack: Pack; job: Job | null; onDefault: () => void }) {
  const { t } = useTranslation();
  const reembed = useReembed(pack);
  const missing = pack.coverage?.missing ?? 0;
  const mayReembed = useMay("gallery:manage");
  const mayManage = useMay("models:manage");
  const isUsable = pack.coverage !== null && (pack.state === "ready" || pack.state === "installed");
  if (!isUsable) return null;
  return (
    <>
      {mayReembed && missing > 0 && (
        <Button
          size="xs"
          variant={pack.is_default ? "filled" : "default"}
          loading={reembed.isPending}
          disabled={job !== null && !hasEnded(job)}
          onClick={() => reembed.mutate(false)}
        >
          {t("packs.reembed.start", { count: missing })}
        </Button>
      )}
      {mayManage && !pack.is_default && (
        <Button size="xs" variant="default" onClick={onDefault}>
          {t("packs.makeDefault.open")}
        </Button>
      )}
    </>
  );
}

function ThresholdFigure({ pack }: { pack: Pack }) {
  const { t } = useTranslation();
  const format = useFormat();
  const [editing, setEditing] = useState(false);
  const applied = thresholdOf(pack);
  const source =
    pack.gallery_threshold !== null && pack.threshold !== null
      ? t("packs.threshold.ofGallery", { value: format.figure(pack.threshold) })
      : t("packs.threshold.ofPack");
  const mayManage = useMay("models:manage");
  const edit = t("packs.threshold.edit", { pack: labelOf(pack) });
  return (
    <section aria-label={t("packs.threshold.title")}>
      <div className={classes.caption}>{t("packs.threshold.title")}</div>
      <Group gap={4}>
        <Text size="sm" fw={600} className="tabular" data-testid="threshold">
          {applied === null ? "–" : format.figure(applied)}
        </Text>
        {applied !== null && mayManage && (
          <Tooltip label={edit}>
            <ActionIcon size="sm" color="gray" aria-label={edit} onClick={() => setEditing(true)}>
              <Pencil size={14} />
            </ActionIcon>
          </Tooltip>
        )}
      </Group>
      <Text size="sm" c="dimmed">
        {applied === null ? t("packs.threshold.unknown") : source}
      </Text>
      {editing && <ThresholdDialog pack={pack} onClose={() => setEditing(false)} />}
    </section>
  );
}

/** While it runs, and where it did not end well; what went well shows in the coverage. */
function ReembedProgress({ job }: { job: Job }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const refresh = useCallback(() => packsChanged(client), [client]);
  useJobEnd(job, refresh);
  if (job.status === "completed") return null;
  return (
    <div className={classes.job}>
      <JobProgress jobId={job.job_id} onEnd={refresh} />
      <Text size="sm" mt={6}>
        <Link to="/jobs" search={{ job: job.job_id }} className={classes.link}>
          {t("packs.jobDetails")}
        </Link>
      </Text>
    </div>
  );
}

export function PackSkeleton() {
  return <Skeleton height={220} radius="lg" />;
}
