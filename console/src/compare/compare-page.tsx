import { Button, Group, Loader, Stack, Text, Title } from "@mantine/core";
import { queryOptions, skipToken, useQuery } from "@tanstack/react-query";
import { CircleCheckBig, CircleSlash, RefreshCw } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, asField, asForm } from "#/api/client";
import { answered } from "#/api/problem";
import type { CompareAnswer } from "#/api/types";
import classes from "#/compare/compare.module.css";
import { useFormat } from "#/i18n/format";
import { useObjectUrl } from "#/photo/object-url";
import { PhotoInput } from "#/photo/photo-input";
import { PhotoStage } from "#/photo/photo-stage";
import { LivenessBadge } from "#/search/liveness-badge";
import { newPhoto, type Photo } from "#/search/queries";
import { ScoreBar } from "#/search/score-bar";
import { PageHeader } from "#/shell/page-header";
import { ProblemAlert } from "#/shell/problem";

const compareQuery = (first: Photo | null, second: Photo | null) =>
  queryOptions({
    queryKey: ["compare", first?.id, second?.id],
    queryFn:
      first && second
        ? ({ signal }) =>
            answered(
              api.POST("/api/v1/compare", {
                body: { image: [asField(first.file), asField(second.file)], face_selection: "largest" },
                bodySerializer: asForm,
                signal,
              }),
            )
        : skipToken,
    staleTime: Number.POSITIVE_INFINITY,
  });

export function ComparePage() {
  const { t } = useTranslation();
  const [first, setFirst] = useState<Photo | null>(null);
  const [second, setSecond] = useState<Photo | null>(null);
  const comparison = useQuery(compareQuery(first, second));
  const answer = comparison.data;
  // Two photos dropped at once fill both places.
  const put = (files: File[], own: (photo: Photo) => void, other: (photo: Photo) => void) => {
    const [here, there] = files;
    if (here) own(newPhoto(here));
    if (there) other(newPhoto(there));
  };
  return (
    <>
      <PageHeader title={t("compare.title")} intro={t("compare.intro")} />
      <Stack gap="lg">
        <div className={classes.pair}>
          <Side
            label={t("compare.first")}
            photo={first}
            face={answer?.faces[0]}
            onPhotos={(files) => put(files, setFirst, setSecond)}
            onClear={() => setFirst(null)}
          />
          <Side
            label={t("compare.second")}
            photo={second}
            face={answer?.faces[1]}
            onPhotos={(files) => put(files, setSecond, setFirst)}
            onClear={() => setSecond(null)}
          />
        </div>
        {!(first && second) && (
          <Text c="dimmed" ta="center">
            {t("compare.waiting")}
          </Text>
        )}
        {comparison.isFetching && (
          <Group justify="center">
            <Loader size="sm" />
            <Text>{t("compare.comparing")}</Text>
          </Group>
        )}
        {comparison.error && (
          <ProblemAlert error={comparison.error} onRetry={() => void comparison.refetch()} />
        )}
        {answer && <Verdict answer={answer} />}
      </Stack>
    </>
  );
}

interface SideProps {
  label: string;
  photo: Photo | null;
  face: CompareAnswer["faces"][number] | undefined;
  onPhotos: (files: File[]) => void;
  onClear: () => void;
}

function Side({ label, photo, face, onPhotos, onClear }: SideProps) {
  const { t } = useTranslation();
  const format = useFormat();
  const src = useObjectUrl(photo?.file);
  return (
    <Stack gap="xs" component="section" aria-label={label}>
      <Group justify="space-between" mih={34}>
        <Title order={2} size="h5">
          {label}
        </Title>
        {face?.liveness && <LivenessBadge liveness={face.liveness} />}
        {photo && (
          <Button size="compact-sm" variant="subtle" leftSection={<RefreshCw size={14} />} onClick={onClear}>
            {t("photo.replace")}
          </Button>
        )}
      </Group>
      {photo ? (
        <PhotoStage
          src={src}
          alt={photo.file.name}
          maxHeight={440}
          faces={
            face
              ? [
                  {
                    index: face.face_index,
                    box: face.box_normalized,
                    label: t("compare.quality", { value: format.percent(face.quality.overall) }),
                  },
                ]
              : []
          }
        />
      ) : (
        <PhotoInput multiple onPhotos={onPhotos} label={label} minHeight={280} />
      )}
    </Stack>
  );
}

function Verdict({ answer }: { answer: CompareAnswer }) {
  const { t } = useTranslation();
  const format = useFormat();
  const Icon = answer.is_match ? CircleCheckBig : CircleSlash;
  const tone = answer.is_match ? classes.same : classes.different;
  return (
    <section className={`surface ${classes.verdict}`} aria-live="polite">
      <Icon size={44} strokeWidth={1.6} className={tone} aria-hidden />
      <Stack gap={8}>
        <div>
          <Title order={2} size="h3" className={tone ?? ""} data-testid="verdict">
            {t(answer.is_match ? "compare.same" : "compare.different")}
          </Title>
          <Text size="sm" c="dimmed">
            {t(answer.is_match ? "compare.sameText" : "compare.differentText")} {t("compare.largest")}
          </Text>
        </div>
        <ScoreBar score={answer.score} threshold={answer.threshold} isMatch={answer.is_match} />
        <Text size="sm" c="dimmed" className="tabular">
          {t("search.threshold")} {format.figure(answer.threshold)} ·{" "}
          {t(`search.thresholdSource.${answer.threshold_source}`)} ·{" "}
          {t("search.raw", {
            metric: t(`search.metrics.${answer.metric}`),
            value: format.figure(answer.raw_value),
          })}{" "}
          · {answer.pack}@{answer.pack_version}
        </Text>
      </Stack>
      <div>
        <Text size="xs" c="dimmed">
          {t("compare.score")}
        </Text>
        <div className={`${classes.score} ${tone} tabular`}>{format.figure(answer.score)}</div>
      </div>
    </section>
  );
}
