import { Group, Stack, Text, Title } from "@mantine/core";
import { CircleQuestionMark, UserRoundCheck, UserRoundX } from "lucide-react";
import { useTranslation } from "react-i18next";
import classes from "#/enhance/enhance.module.css";
import { useSentence } from "#/enhance/sentences";
import type { EnhancedFace, EnhancementReport } from "#/enhance/types";
import { blendingOf } from "#/enhance/words";
import { useFormat } from "#/i18n/format";
import { FaceCrop } from "#/photo/face-crop";

interface FaceListProps {
  report: EnhancementReport;
  before: string | undefined;
  after: string | undefined;
}

const ICONS = { kept: UserRoundCheck, lost: UserRoundX, not_measurable: CircleQuestionMark };

/** Each face before and after: whether it is still the same person, and how much of it was made anew. */
export function FaceList({ report, before, after }: FaceListProps) {
  const { t } = useTranslation();
  if (report.faces.length === 0) return null;
  return (
    <section aria-label={t("enhance.faces.title")}>
      <Title order={2} size="h4" mb="sm">
        {t("enhance.faces.title")}
      </Title>
      <ul className={classes.faces}>
        {report.faces.map((face, index) => (
          <FaceItem
            key={`${face.box.x} ${face.box.y}`}
            face={face}
            number={index + 1}
            report={report}
            before={before}
            after={after}
          />
        ))}
      </ul>
    </section>
  );
}

interface FaceItemProps extends FaceListProps {
  face: EnhancedFace;
  number: number;
}

function FaceItem({ face, number, report, before, after }: FaceItemProps) {
  const { t } = useTranslation();
  const format = useFormat();
  const sentence = useSentence();
  const { status, similarity, threshold, restored_share: share } = face.identity;
  const Icon = ICONS[status];
  const { width_before: width, height_before: height } = report;
  const box = {
    left: face.box.x / width,
    top: face.box.y / height,
    width: face.box.width / width,
    height: face.box.height / height,
  };
  const photo = { width, height };
  const blending = blendingOf(face);
  const percent = { part: format.percent(share), rest: format.percent(1 - share) };
  return (
    <li className={`surface ${classes.face}`} data-testid="enhanced-face" data-identity={status}>
      <div className={classes.crops}>
        <FaceCrop src={before} box={box} photo={photo} className={classes.crop} />
        <FaceCrop src={after} box={box} photo={photo} className={classes.crop} />
      </div>
      <Group gap={8} wrap="nowrap" className={classes.tone} data-tone={status}>
        <Icon size={20} aria-hidden />
        <Text fw={600}>
          {t("enhance.faces.named", { number, identity: t(`enhance.faces.identity.${status}`) })}
        </Text>
      </Group>
      <Stack gap={3}>
        <Text size="sm" className="tabular">
          {similarity === null
            ? t("enhance.faces.notMeasured")
            : t("enhance.faces.similarity", {
                value: format.figure(similarity, 2),
                limit: threshold === null ? "–" : format.figure(threshold, 2),
              })}
        </Text>
        <Text size="sm" className="tabular">
          {t(`enhance.faces.blending.${blending}`, percent)} {face.reason && sentence(face.reason)}
        </Text>
      </Stack>
      <dl className={`${classes.facts} tabular`}>
        <dt>{t("enhance.faces.quality")}</dt>
        <dd>
          {format.percent(face.quality_before)} → <b>{format.percent(face.quality_after)}</b>
        </dd>
        <dt>{t("enhance.report.sharpness")}</dt>
        <dd>
          {format.figure(face.sharpness_before, 2)} → <b>{format.figure(face.sharpness_after, 2)}</b>
        </dd>
      </dl>
    </li>
  );
}
