import { Button, Checkbox, Group, Select, Stack, Text } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { Eye, WandSparkles } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { Job } from "#/api/types";
import { newUploadKey } from "#/gallery/bulk/upload";
import { mediaKind } from "#/media/kind";
import { UploadProgress } from "#/media/upload-progress";
import { useUpload } from "#/media/use-upload";
import { ProblemAlert } from "#/shell/problem";
import { ConsentChoice } from "#/swap/consent-choice";
import { EngineChoice, useEngine } from "#/swap/engine-choice";
import { LabelList } from "#/swap/label-list";
import { Panel } from "#/swap/panel";
import { PurposeCheck } from "#/swap/purpose-check";
import { checkQuery } from "#/swap/studio/queries";
import { SwapList } from "#/swap/studio/swap-list";
import { SwapView } from "#/swap/studio/swap-view";
import { Target } from "#/swap/studio/target";
import classes from "#/swap/swap.module.css";
import type { Consent, SwapPolicy } from "#/swap/types";

const FORMATS = ["jpeg", "png", "webp"] as const;
const route = getRouteApi("/swap");

/** Whose face, onto what, by which engine; then a look at it, and the whole. */
export function Studio({ policy }: { policy: SwapPolicy }) {
  const { t } = useTranslation();
  const { job } = route.useSearch();
  const navigate = route.useNavigate();
  const client = useQueryClient();
  const [consent, setConsent] = useState<Consent | null>(null);
  const [target, setTarget] = useState<File | null>(null);
  const [wanted, setWanted] = useState<string | null>(null);
  const [allFaces, setAllFaces] = useState(false);
  const [format, setFormat] = useState<string | null>(null);
  const [isForPurpose, setForPurpose] = useState(false);
  /** The job that the target at hand was sent for: it is shown beside what came of it. */
  const [sentFor, setSentFor] = useState<string | null>(null);
  const isVideo = target !== null && mediaKind(target) === "video";
  const kind = target === null ? null : isVideo ? "video" : "image";
  const engine = useEngine(kind, wanted);
  const check = useQuery(checkQuery(consent, kind, engine?.engine ?? null));
  const sending = useUpload<{ job: Job }>(({ job: begun }) => {
    setSentFor(begun.job_id);
    void client.invalidateQueries({ queryKey: ["jobs"] });
    void client.invalidateQueries({ queryKey: ["consents"] });
    void navigate({ search: { job: begun.job_id } });
  });
  const choose = (chosen: Consent | null) => {
    setConsent(chosen);
    setForPurpose(false);
    sending.reset();
  };
  const isReady =
    consent && kind && consent.scopes.includes(kind) && engine && isForPurpose && !sending.isPending;
  const send = (preview: boolean) => {
    if (!isReady || !target) return;
    const form = new FormData();
    form.append("consent_id", consent.consent_id);
    form.append("purpose", consent.purpose);
    form.append("engine", engine.engine);
    form.append("all_faces", String(allFaces && engine.many_faces));
    form.append("preview", String(preview));
    if (format && kind === "image") form.append("output_format", format);
    form.append("target", target, target.name);
    sending.mutate({ path: "/api/v1/swap", form, headers: { "Idempotency-Key": newUploadKey() } });
  };
  return (
    <div className={classes.layout}>
      <div className={classes.column}>
        <Panel title={t("swap.steps.consent")} order={1}>
          <ConsentChoice kind={kind} value={consent} onChange={choose} />
        </Panel>
        <Panel title={t("swap.steps.engine")} order={3}>
          <Stack gap="sm">
            <EngineChoice kind={kind} wanted={wanted} onChange={setWanted} />
            {engine?.many_faces && (
              <Checkbox
                label={t("swap.allFaces")}
                description={t("swap.allFacesText")}
                checked={allFaces}
                onChange={(event) => setAllFaces(event.currentTarget.checked)}
              />
            )}
            {kind === "image" && (
              <Select
                label={t("swap.format.label")}
                placeholder={t("swap.format.same")}
                data={FORMATS.map((one) => ({ value: one, label: one.toUpperCase() }))}
                value={format}
                onChange={setFormat}
                clearable
              />
            )}
          </Stack>
        </Panel>
        <Panel title={t("swap.steps.run")} order={4}>
          <Stack gap="sm">
            {consent ? (
              <PurposeCheck consent={consent} checked={isForPurpose} onChange={setForPurpose} />
            ) : (
              <Text size="sm" c="dimmed">
                {t("swap.first")}
              </Text>
            )}
            <Group gap="xs" grow preventGrowOverflow={false}>
              <Button
                variant="default"
                leftSection={<Eye size={16} />}
                disabled={!isReady}
                onClick={() => send(true)}
              >
                {t("swap.preview")}
              </Button>
              <Button
                leftSection={<WandSparkles size={16} />}
                disabled={!isReady}
                onClick={() => send(false)}
              >
                {t("swap.run")}
              </Button>
            </Group>
            {sending.sent && <UploadProgress sent={sending.sent} onStop={sending.stop} />}
            {sending.error && <ProblemAlert error={sending.error} />}
            {check.error && !sending.error && <ProblemAlert error={check.error} />}
            {check.data && !job && (
              <details>
                <summary className={classes.summary}>{t("swap.willCarry")}</summary>
                <LabelList labels={check.data.labels} />
              </details>
            )}
          </Stack>
        </Panel>
      </div>
      <div className={classes.column}>
        {job ? (
          <SwapView
            key={job}
            jobId={job}
            target={sentFor === job ? target : null}
            onAnother={() => {
              setTarget(null);
              sending.reset();
              void navigate({ search: {} });
            }}
          />
        ) : (
          <Target
            policy={policy}
            file={target}
            onFile={(file) => {
              setTarget(file);
              sending.reset();
            }}
          />
        )}
        <SwapList shown={job ?? null} />
      </div>
    </div>
  );
}
