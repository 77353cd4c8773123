import { Badge, Group, Text } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { useFormat } from "#/i18n/format";
import { type FaceFact, factsOf } from "#/images/face-facts";
import classes from "#/images/images.module.css";
import type { OutputFace } from "#/images/output";
import type { StoredImage } from "#/images/types";
import { FaceCrop } from "#/photo/face-crop";

interface FaceCardsProps {
  faces: OutputFace[];
  image: StoredImage;
  src: string | undefined;
  selected: number | null;
  onSelect: (index: number) => void;
}

/** Every face that a model found, with all that it says of it. */
export function FaceCards({ faces, image, src, selected, onSelect }: FaceCardsProps) {
  const { t } = useTranslation();
  const format = useFormat();
  return (
    <ul className={classes.faces}>
      {faces.map((face) => (
        <li
          key={face.index}
          className={classes.face}
          data-selected={face.index === selected}
          data-testid="face"
        >
          <button
            type="button"
            className={classes.faceButton}
            aria-label={t("images.results.showFace", { number: face.index + 1 })}
            aria-pressed={face.index === selected}
            onClick={() => onSelect(face.index)}
          >
            <FaceCrop src={src} box={face.box} photo={image} className={classes.faceCrop} />
          </button>
          <div>
            <Group gap={6} mb={4}>
              <Text fw={600} size="sm">
                {t("photo.face", { number: face.index + 1 })}
              </Text>
              {face.detectionScore !== null && (
                <Badge variant="default" className="tabular">
                  {t("images.results.detection", { score: format.figure(face.detectionScore, 2) })}
                </Badge>
              )}
            </Group>
            <dl className={classes.facts}>
              {factsOf(face.facts).map((fact) => (
                <Fact key={fact.name} fact={fact} />
              ))}
            </dl>
          </div>
        </li>
      ))}
    </ul>
  );
}

/** Names and words of a model that this console does not know stay as they are. */
function Fact({ fact: { name, value, isShare } }: { fact: FaceFact }) {
  const { t } = useTranslation();
  const format = useFormat();
  const text = isShare
    ? format.percent(Number(value))
    : typeof value === "number"
      ? format.number(value)
      : String(value);
  return (
    <>
      <dt>{t(`images.face.names.${name}` as "images.face.names.age", { defaultValue: name })}</dt>
      <dd className="tabular">
        {t(`images.face.words.${text}` as "images.face.words.female", { defaultValue: text })}
      </dd>
    </>
  );
}
