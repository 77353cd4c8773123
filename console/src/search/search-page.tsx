import { Button, Group, Loader, Stack, Text } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { ScanFace, SlidersHorizontal } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { SearchAnswer, SearchFace } from "#/api/types";
import { EnrolDialog, type EnrolStart } from "#/gallery/enrol/enrol-dialog";
import { useFormat } from "#/i18n/format";
import { useObjectUrl } from "#/photo/object-url";
import { PhotoInput } from "#/photo/photo-input";
import { PhotoStage } from "#/photo/photo-stage";
import { FacePanel } from "#/search/face-panel";
import { FaceStrip } from "#/search/face-strip";
import { Options } from "#/search/options";
import { defaultOptions, newPhoto, type Photo, searchQuery } from "#/search/queries";
import classes from "#/search/search.module.css";
import { nameOfFace } from "#/search/withheld";
import { EmptyState } from "#/shell/empty-state";
import { PageHeader } from "#/shell/page-header";
import { ProblemAlert } from "#/shell/problem";
import { useShortcuts } from "#/shell/shortcuts";

export function SearchPage() {
  const { t } = useTranslation();
  const [photo, setPhoto] = useState<Photo | null>(null);
  const [options, setOptions] = useState(defaultOptions);
  const [optionsShown, shown] = useDisclosure(false);
  const [selected, setSelected] = useState(0);
  const [start, setStart] = useState<EnrolStart | null>(null);
  const search = useQuery(searchQuery(photo, options));
  const src = useObjectUrl(photo?.file);
  const answer = search.data;
  const face = answer?.faces.find((one) => one.face_index === selected) ?? answer?.faces[0];
  const step = (by: number) => {
    if (!answer || !face || answer.faces.length === 0) return;
    const next = (answer.faces.indexOf(face) + by + answer.faces.length) % answer.faces.length;
    setSelected(answer.faces[next]?.face_index ?? 0);
  };
  useShortcuts({ ArrowLeft: () => step(-1), ArrowRight: () => step(1) });
  const take = ([file]: File[]) => {
    if (!file) return;
    setSelected(0);
    setPhoto(newPhoto(file));
  };
  return (
    <>
      <PageHeader title={t("search.title")} intro={t("search.intro")}>
        <Button
          variant="default"
          leftSection={<SlidersHorizontal size={17} />}
          onClick={shown.toggle}
          aria-expanded={optionsShown}
        >
          {t("search.options.label")}
        </Button>
      </PageHeader>
      <Stack gap="lg">
        {optionsShown && <Options value={options} onChange={setOptions} />}
        {photo === null ? (
          <PhotoInput wholePage onPhotos={take} hint={t("search.empty")} minHeight="min(420px, 55vh)" />
        ) : (
          <div className={classes.layout}>
            <Stack gap="md" miw={0}>
              <PhotoStage
                src={src}
                alt={photo.file.name}
                size={answer?.image}
                faces={stageFaces(answer, (face) => nameOfFace(face, t))}
                selected={face?.face_index ?? null}
                onSelect={setSelected}
              />
              {answer && <Found answer={answer} busy={search.isFetching} />}
              {answer && answer.faces.length > 1 && (
                <FaceStrip answer={answer} src={src} selected={face?.face_index} onSelect={setSelected} />
              )}
            </Stack>
            <div className={classes.answer}>
              {search.error && <ProblemAlert error={search.error} onRetry={() => void search.refetch()} />}
              {search.isPending && (
                <Group className="surface" p="lg">
                  <Loader size="sm" />
                  <Text>{t("search.searching")}</Text>
                </Group>
              )}
              {answer && !face && (
                <EmptyState icon={ScanFace} title={t("search.noFace.title")} text={t("search.noFace.text")} />
              )}
              {answer && face && (
                <FacePanel
                  answer={answer}
                  face={face}
                  src={src}
                  onEnrol={() => setStart({ files: [photo.file], faceIndex: face.face_index })}
                />
              )}
            </div>
            <div className={classes.another}>
              <PhotoInput wholePage onPhotos={take} label={t("photo.replace")} compact />
            </div>
          </div>
        )}
      </Stack>
      <EnrolDialog start={start} onClose={() => setStart(null)} />
    </>
  );
}

function Found({ answer, busy }: { answer: SearchAnswer; busy: boolean }) {
  const { t } = useTranslation();
  const format = useFormat();
  const known = answer.faces.filter((face) => face.best_match).length;
  const total =
    answer.timings_ms.total ?? Object.values(answer.timings_ms).reduce((sum, part) => sum + part, 0);
  return (
    <Group gap="sm" role="status">
      <Text fw={600}>{t("search.found", { count: answer.faces.length })}</Text>
      <Text c="dimmed">{t("search.known", { count: known })}</Text>
      <Text c="dimmed" size="sm" className="tabular">
        {t("search.took", { ms: format.number(Math.round(total)) })}
      </Text>
      {busy && <Loader size="xs" />}
    </Group>
  );
}

function stageFaces(answer: SearchAnswer | undefined, nameOf: (face: SearchFace) => string) {
  return (answer?.faces ?? []).map((face) => ({
    index: face.face_index,
    box: face.box_normalized,
    label: nameOf(face),
    tone: face.best_match ? ("match" as const) : ("unknown" as const),
  }));
}
