import { useTranslation } from "react-i18next";
import type { SearchAnswer } from "#/api/types";
import { FaceCrop } from "#/photo/face-crop";
import classes from "#/search/search.module.css";
import { nameOfFace } from "#/search/withheld";

interface FaceStripProps {
  answer: SearchAnswer;
  src: string | undefined;
  selected: number | undefined;
  onSelect: (index: number) => void;
}

/** All faces in a row: small ones are hard to hit on the photo. */
export function FaceStrip({ answer, src, selected, onSelect }: FaceStripProps) {
  const { t } = useTranslation();
  return (
    <ul className={classes.strip} aria-label={t("search.faces")}>
      {answer.faces.map((face) => {
        const name = nameOfFace(face, t);
        return (
          <li key={face.face_index}>
            <button
              type="button"
              className={classes.stripFace}
              data-known={face.best_match !== null}
              aria-pressed={selected === face.face_index}
              aria-label={t("search.faceLabel", { number: face.face_index + 1, name })}
              onClick={() => onSelect(face.face_index)}
            >
              <FaceCrop
                src={src}
                box={face.box_normalized}
                photo={answer.image}
                className={classes.stripCrop}
              />
              <span className={`${classes.stripName} truncate`}>{name}</span>
            </button>
          </li>
        );
      })}
    </ul>
  );
}
