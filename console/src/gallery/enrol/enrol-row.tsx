import { ActionIcon, Button, Group, Loader, Stack, Text, TextInput } from "@mantine/core";
import { Check, Clock, ImageOff, SquareMousePointer, TriangleAlert, X } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import classes from "#/gallery/enrol/enrol.module.css";
import type { Entry } from "#/gallery/enrol/enrolment";
import { useFormat } from "#/i18n/format";
import { useObjectUrl } from "#/photo/object-url";
import { PhotoStage } from "#/photo/photo-stage";
import { ProblemText, problemTitle } from "#/shell/problem";
import { WarningList } from "#/shell/warnings";

interface EnrolRowProps {
  entry: Entry;
  named: boolean;
  busy: boolean;
  onName: (name: string) => void;
  onFace: (faceIndex: number) => void;
  onRemove: () => void;
}

/** One photo of the dialog: what it is called and what became of it. */
export function EnrolRow({ entry, named, busy, onName, onFace, onRemove }: EnrolRowProps) {
  const { t } = useTranslation();
  const url = useObjectUrl(entry.file);
  const [choosing, setChoosing] = useState(false);
  const { outcome } = entry;
  const settled = outcome.kind === "done" || outcome.kind === "running";
  return (
    <li className={classes.row} data-kind={outcome.kind} data-testid="enrol-row">
      <Thumbnail url={url} />
      <Stack gap={4} miw={0}>
        {named && !settled ? (
          <TextInput
            size="xs"
            aria-label={t("enrol.nameOf", { file: entry.file.name })}
            placeholder={t("enrol.namePlaceholder")}
            value={entry.name}
            onChange={(event) => onName(event.currentTarget.value)}
            disabled={busy}
          />
        ) : (
          <Text size="sm" fw={600} className="truncate">
            {outcome.kind === "done" ? outcome.enrolled.person.name : named ? entry.name : entry.file.name}
          </Text>
        )}
        {named && (
          <Text size="xs" c="dimmed" className="truncate">
            {entry.file.name}
          </Text>
        )}
        <RowState entry={entry} />
      </Stack>
      <Group gap={4} wrap="nowrap">
        {outcome.kind === "choose" && !choosing && (
          <Button size="xs" variant="light" color="ochre" onClick={() => setChoosing(true)} disabled={busy}>
            {t("enrol.choose")}
          </Button>
        )}
        {!settled && (
          <ActionIcon
            color="gray"
            aria-label={t("enrol.remove", { file: entry.file.name })}
            onClick={onRemove}
            disabled={busy}
          >
            <X size={16} />
          </ActionIcon>
        )}
      </Group>
      {outcome.kind === "choose" && choosing && (
        <Stack gap={6} style={{ gridColumn: "1 / -1" }}>
          <Text size="sm">{t("enrol.chooseHint")}</Text>
          <PhotoStage
            src={url}
            alt={entry.file.name}
            maxHeight={420}
            faces={outcome.problem.faces.map((face) => ({
              index: face.face_index,
              box: face.box_normalized,
              label: `${face.face_index + 1}`,
              description: t("photo.face", { number: face.face_index + 1 }),
            }))}
            onSelect={(index) => {
              setChoosing(false);
              onFace(index);
            }}
          />
        </Stack>
      )}
    </li>
  );
}

function Thumbnail({ url }: { url: string | undefined }) {
  const [broken, setBroken] = useState(false);
  return broken ? (
    <div className={classes.thumb}>
      <ImageOff size={20} aria-hidden />
    </div>
  ) : (
    <img className={classes.thumb} src={url} alt="" onError={() => setBroken(true)} />
  );
}

function RowState({ entry: { outcome, faceIndex } }: { entry: Entry }) {
  const { t } = useTranslation();
  const format = useFormat();
  switch (outcome.kind) {
    case "waiting":
      return (
        <Text component="div" className={classes.state} c="dimmed">
          <Clock size={14} />
          {faceIndex === undefined ? t("enrol.state.waiting") : t("enrol.chosen", { number: faceIndex + 1 })}
        </Text>
      );
    case "running":
      return (
        <Text component="div" className={classes.state} c="dimmed">
          <Loader size={13} />
          {t("enrol.state.running")}
        </Text>
      );
    case "done": {
      const quality = format.percent(outcome.enrolled.image.quality.overall);
      const { warnings } = outcome.enrolled;
      return (
        <>
          <div className={`${classes.state} ${classes.done}`}>
            <Check size={14} />
            {outcome.added
              ? t("enrol.state.added", { name: outcome.enrolled.person.name, quality })
              : t("enrol.state.doneQuality", { quality })}
          </div>
          {warnings.length > 0 && (
            <div className={classes.warnings}>
              <TriangleAlert size={14} aria-label={t("enrol.warning")} />
              <WarningList warnings={warnings} />
            </div>
          )}
        </>
      );
    }
    case "choose":
      return (
        <div className={`${classes.state} ${classes.choose}`}>
          <SquareMousePointer size={14} />
          {t("enrol.state.choose")}
        </div>
      );
    case "failed":
      return (
        <>
          <div className={`${classes.state} ${classes.failed}`}>
            <TriangleAlert size={14} />
            <b>{problemTitle(outcome.problem)}</b>
          </div>
          <ProblemText problem={outcome.problem} />
        </>
      );
  }
}
