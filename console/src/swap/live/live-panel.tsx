import { Anchor, Button, Checkbox, Select, Stack, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Play } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { ProblemAlert, toastDone } from "#/shell/problem";
import { streamsQuery } from "#/streams/queries";
import { ConsentChoice } from "#/swap/consent-choice";
import { EngineChoice, useEngine } from "#/swap/engine-choice";
import { LiveList } from "#/swap/live/live-list";
import { useStartLive } from "#/swap/live/queries";
import { Panel } from "#/swap/panel";
import { PurposeCheck } from "#/swap/purpose-check";
import classes from "#/swap/swap.module.css";
import type { Consent } from "#/swap/types";

/** A face on a stream that runs: begun here, watched here. */
export function LivePanel() {
  const { t } = useTranslation();
  const streams = useQuery(streamsQuery);
  const [consent, setConsent] = useState<Consent | null>(null);
  const [chosen, setChosen] = useState<string | null>(null);
  const [wanted, setWanted] = useState<string | null>(null);
  const [allFaces, setAllFaces] = useState(false);
  const [camera, setCamera] = useState(false);
  const [isForPurpose, setForPurpose] = useState(false);
  const engine = useEngine("live", wanted);
  const start = useStartLive();
  const running = streams.data?.streams ?? [];
  const stream = running.find((one) => one.stream_id === chosen) ?? null;
  const permitting = consent?.scopes.includes("live") ? consent : null;
  const isReady = permitting && stream && engine && isForPurpose;
  const begin = () => {
    if (!isReady) return;
    start.mutate(
      {
        stream_id: stream.stream_id,
        consent_id: permitting.consent_id,
        purpose: permitting.purpose,
        engine: engine.engine,
        all_faces: allFaces && engine.many_faces,
        virtual_camera: camera,
      },
      { onSuccess: () => toastDone(t("liveSwap.started")) },
    );
  };
  return (
    <div className={classes.layout}>
      <div className={classes.column}>
        <Panel title={t("swap.steps.consent")} order={1}>
          <ConsentChoice
            kind="live"
            value={consent}
            onChange={(one) => {
              setConsent(one);
              setForPurpose(false);
              start.reset();
            }}
          />
        </Panel>
        <Panel title={t("liveSwap.stream")} order={2}>
          {streams.error && !streams.data && (
            <ProblemAlert error={streams.error} onRetry={() => void streams.refetch()} />
          )}
          {streams.data && running.length === 0 ? (
            <Text size="sm">
              {t("liveSwap.noStream")}{" "}
              <Anchor component={Link} to="/streams" inherit underline="always">
                {t("shell.pages.streams")}
              </Anchor>
            </Text>
          ) : (
            <Select
              aria-label={t("liveSwap.stream")}
              placeholder={t("liveSwap.choose")}
              data={running.map((one) => ({ value: one.stream_id, label: one.name || one.source }))}
              value={stream?.stream_id ?? null}
              onChange={setChosen}
              allowDeselect={false}
            />
          )}
        </Panel>
        <Panel title={t("swap.steps.engine")} order={3}>
          <Stack gap="sm">
            <EngineChoice kind="live" wanted={wanted} onChange={setWanted} />
            {engine?.many_faces && (
              <Checkbox
                label={t("swap.allFaces")}
                description={t("swap.allFacesText")}
                checked={allFaces}
                onChange={(event) => setAllFaces(event.currentTarget.checked)}
              />
            )}
            <Checkbox
              label={t("liveSwap.camera")}
              description={t("liveSwap.cameraText")}
              checked={camera}
              onChange={(event) => setCamera(event.currentTarget.checked)}
            />
          </Stack>
        </Panel>
        <Panel title={t("swap.steps.run")} order={4}>
          <Stack gap="sm">
            {consent ? (
              <PurposeCheck consent={consent} checked={isForPurpose} onChange={setForPurpose} />
            ) : (
              <Text size="sm" c="dimmed">
                {t("liveSwap.first")}
              </Text>
            )}
            <Button
              leftSection={<Play size={16} />}
              disabled={!isReady}
              loading={start.isPending}
              onClick={begin}
            >
              {t("liveSwap.start")}
            </Button>
            {start.error && <ProblemAlert error={start.error} />}
          </Stack>
        </Panel>
      </div>
      <div className={classes.column}>
        <LiveList streams={streams.data?.streams ?? []} />
      </div>
    </div>
  );
}
