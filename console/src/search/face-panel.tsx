import { Button, Group, Stack, Text, Title } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { CircleQuestionMark, UserPlus, UserRoundCheck } from "lucide-react";
import { useTranslation } from "react-i18next";
import { Allowed } from "#/account/allowed";
import type { Match, SearchAnswer, SearchFace } from "#/api/types";
import { useFormat } from "#/i18n/format";
import { imageThumbnail } from "#/photo/addresses";
import { FaceCrop } from "#/photo/face-crop";
import { ServerImage } from "#/photo/server-image";
import { LivenessBadge } from "#/search/liveness-badge";
import { ScoreBar } from "#/search/score-bar";
import classes from "#/search/search.module.css";
import { isWithheld, nameOfFace } from "#/search/withheld";

interface FacePanelProps {
  answer: SearchAnswer;
  face: SearchFace;
  src: string | undefined;
  onEnrol: () => void;
}

/** Who one face is, how sure that is, and by what it was judged. */
export function FacePanel({ answer, face, src, onEnrol }: FacePanelProps) {
  const { t } = useTranslation();
  const format = useFormat();
  const position = answer.faces.indexOf(face) + 1;
  const nearest = face.matches[0];
  return (
    <Stack className={`surface ${classes.panel}`} gap="lg" component="section" aria-live="polite">
      <div className={classes.verdict}>
        <FaceCrop src={src} box={face.box_normalized} photo={answer.image} className={classes.verdictCrop} />
        <Stack gap={2} miw={0}>
          <Text size="xs" c="dimmed">
            {t("search.faceOf", { number: position, total: answer.faces.length })}
          </Text>
          <Title
            order={2}
            size="h3"
            className={face.best_match ? classes.known : classes.unknown}
            data-testid="verdict"
          >
            <Group gap={8} wrap="nowrap">
              {face.best_match ? <UserRoundCheck size={22} /> : <CircleQuestionMark size={22} />}
              <span style={{ overflowWrap: "anywhere" }}>{nameOfFace(face, t)}</span>
            </Group>
          </Title>
          {face.liveness && <LivenessBadge liveness={face.liveness} />}
          {face.best_match && (
            <Text size="sm" c="dimmed">
              {t("search.score")} {format.figure(face.best_match.score)}
            </Text>
          )}
        </Stack>
      </div>
      {isWithheld(face) && <Text size="sm">{t("search.withheldText")}</Text>}
      {!face.best_match && !isWithheld(face) && (
        <Stack gap="sm" align="flex-start">
          <Text size="sm">
            {nearest
              ? t("search.unknownText", {
                  name: nearest.name,
                  score: format.figure(nearest.score),
                  threshold: format.figure(nearest.threshold),
                })
              : t("search.unknownEmpty")}
          </Text>
          <Allowed scope="gallery:enrol">
            <Button size="sm" leftSection={<UserPlus size={16} />} onClick={onEnrol}>
              {t("search.enrolFace")}
            </Button>
          </Allowed>
        </Stack>
      )}
      {face.matches.length > 0 && (
        <div>
          <Title order={3} size="h6" c="dimmed" mb={4}>
            {t("search.matches")}
          </Title>
          <ul className={classes.list}>
            {face.matches.map((match) => (
              <li key={match.person_id}>
                <MatchRow match={match} metric={answer.metric} />
              </li>
            ))}
          </ul>
        </div>
      )}
      <Judged answer={answer} face={face} />
    </Stack>
  );
}

function MatchRow({ match, metric }: { match: Match; metric: SearchAnswer["metric"] }) {
  const { t } = useTranslation();
  const format = useFormat();
  return (
    <Link
      to="/gallery/$personId"
      params={{ personId: match.person_id }}
      className={classes.match}
      aria-label={t("search.matchLabel", {
        name: match.name,
        verdict: t(match.is_match ? "search.isMatch" : "search.notMatch"),
        score: format.figure(match.score),
      })}
      data-testid="match"
    >
      <ServerImage src={imageThumbnail(match.person_id, match.image_id)} alt="" />
      <div style={{ minWidth: 0 }}>
        <Text fw={600} size="sm" mb={5} className="truncate">
          {match.name}
        </Text>
        <ScoreBar score={match.score} threshold={match.threshold} isMatch={match.is_match} />
      </div>
      <Stack gap={0} align="flex-end">
        <Text fw={700} className={`tabular ${match.is_match ? classes.known : classes.unknown}`}>
          {format.figure(match.score)}
        </Text>
        <Text size="xs" c="dimmed" className="tabular">
          {t("search.raw", {
            metric: t(`search.metrics.${metric}`),
            value: format.figure(match.raw_value),
          })}
        </Text>
      </Stack>
    </Link>
  );
}

function Judged({ answer, face }: { answer: SearchAnswer; face: SearchFace }) {
  const { t } = useTranslation();
  const format = useFormat();
  const nearest = face.matches[0];
  return (
    <dl className={classes.facts}>
      {nearest && (
        <>
          <dt>{t("search.threshold")}</dt>
          <dd className="tabular" data-testid="threshold">
            {format.figure(nearest.threshold)} · {t(`search.thresholdSource.${nearest.threshold_source}`)}
          </dd>
          <dt>{t("search.margin")}</dt>
          <dd className="tabular">
            {face.margin === null ? t("search.noMargin") : format.figure(face.margin)}
          </dd>
        </>
      )}
      <dt>{t("search.pack")}</dt>
      <dd>
        {answer.pack}@{answer.pack_version}
      </dd>
      <dt>{t("search.detection")}</dt>
      <dd className="tabular">{format.figure(face.detection_score, 2)}</dd>
      <dt>{t("person.quality.title")}</dt>
      <dd className="tabular">{format.percent(face.quality.overall)}</dd>
      <dt>{t("person.quality.size_px")}</dt>
      <dd className="tabular">{t("person.quality.pixels", { value: Math.round(face.quality.size_px) })}</dd>
    </dl>
  );
}
