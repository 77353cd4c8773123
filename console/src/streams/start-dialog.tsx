import { Alert, Button, Checkbox, Group, Modal, NumberInput, Select, Stack, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { packsQuery } from "#/api/queries";
import { labelOf } from "#/packs/labels";
import { openCamera } from "#/photo/camera";
import { ProblemAlert, toastDone } from "#/shell/problem";
import { sendCamera } from "#/streams/browser-camera";
import { useStart } from "#/streams/queries";
import { LIFETIMES, type Lifetime, lifetimes } from "#/streams/types";

/** Asks for a source, and leads to its picture. */
export function StartDialog({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  const { t } = useTranslation();
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      title={t("streams.start")}
      closeButtonProps={{ "aria-label": t("shell.close") }}
    >
      <StartForm onClose={onClose} />
    </Modal>
  );
}

function StartForm({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const packs = useQuery(packsQuery);
  const start = useStart();
  const [source, setSource] = useState("");
  const [own, setOwn] = useState(false);
  const [cameraProblem, setCameraProblem] = useState(false);
  const [name, setName] = useState("");
  const [lifetime, setLifetime] = useState<Lifetime>("hour");
  const [pack, setPack] = useState<string | null>(null);
  const [threshold, setThreshold] = useState<number | string>("");
  const [permanent, setPermanent] = useState(false);
  const [unwatched, setUnwatched] = useState(false);
  const [loop, setLoop] = useState(false);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    const camera = own ? await openCamera(null) : null;
    const media = camera?.kind === "running" ? camera.stream : null;
    setCameraProblem(own && media === null);
    if (own && media === null) return;
    start.mutate(
      {
        source: own ? "push:" : source.trim(),
        name: name.trim() || (own ? t("streams.form.ownCamera") : ""),
        lifetime_minutes: LIFETIMES[lifetime],
        pack,
        threshold: typeof threshold === "number" ? threshold : null,
        permanent,
        stop_when_unwatched: unwatched,
        paced: true,
        loop,
      },
      {
        onError: () => media?.getTracks().forEach((track) => void track.stop()),
        onSuccess: (stream) => {
          if (media) sendCamera(stream.stream_id, media);
          toastDone(t("streams.live.started"));
          onClose();
          void navigate({ to: "/streams/$streamId", params: { streamId: stream.stream_id } });
        },
      },
    );
  };
  const usable = packs.data?.filter((one) => one.coverage !== null).map(labelOf) ?? [];
  return (
    <form onSubmit={(event) => void submit(event)}>
      <Stack gap="sm">
        <TextInput
          label={t("streams.form.source")}
          description={t("streams.form.sourceHint")}
          value={source}
          onChange={(event) => setSource(event.currentTarget.value)}
          required={!own}
          disabled={own}
          data-autofocus
          autoComplete="off"
          spellCheck={false}
        />
        <Checkbox
          label={t("streams.form.ownCamera")}
          checked={own}
          onChange={(event) => setOwn(event.currentTarget.checked)}
        />
        {cameraProblem && <Alert color="cinnabar">{t("streams.form.noCamera")}</Alert>}
        <TextInput
          label={t("streams.form.name")}
          value={name}
          maxLength={200}
          onChange={(event) => setName(event.currentTarget.value)}
        />
        <Group grow align="flex-start">
          <Select
            label={t("streams.form.lifetime")}
            data={lifetimes.map((one) => ({ value: one, label: t(`streams.lifetimes.${one}`) }))}
            value={lifetime}
            onChange={(value) => setLifetime(lifetimes.find((one) => one === value) ?? "hour")}
            allowDeselect={false}
          />
          <Select
            label={t("streams.form.pack")}
            placeholder={t("streams.form.defaultPack")}
            data={usable}
            value={pack}
            onChange={setPack}
            clearable
          />
        </Group>
        <NumberInput
          label={t("streams.form.threshold")}
          description={t("streams.form.thresholdHint")}
          value={threshold}
          onChange={setThreshold}
          min={0}
          max={1}
          step={0.01}
          decimalScale={4}
        />
        <Checkbox
          label={t("streams.form.permanent")}
          checked={permanent}
          onChange={(event) => setPermanent(event.currentTarget.checked)}
        />
        <Checkbox
          label={t("streams.form.unwatched")}
          checked={unwatched}
          onChange={(event) => setUnwatched(event.currentTarget.checked)}
        />
        <Checkbox
          label={t("streams.form.loop")}
          checked={loop}
          onChange={(event) => setLoop(event.currentTarget.checked)}
        />
        {start.error && <ProblemAlert error={start.error} />}
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            {t("shell.cancel")}
          </Button>
          <Button type="submit" loading={start.isPending} disabled={!own && !source.trim()}>
            {t("streams.form.submit")}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
