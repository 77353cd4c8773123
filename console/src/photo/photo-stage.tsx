import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { NormalizedBox } from "#/api/problem";
import { boxStyle } from "#/photo/box";
import classes from "#/photo/photo.module.css";

export interface StageFace {
  index: number;
  box: NormalizedBox;
  label?: string;
  /** What a screen reader hears; the label, or the face's number, when left out. */
  description?: string;
  tone?: "match" | "unknown" | "plain";
}

interface PhotoStageProps {
  src: string | undefined;
  alt: string;
  /** Pixels of the upright photo when known: boxes then sit right even where the browser cannot show the format. */
  size?: { width: number; height: number } | undefined;
  faces?: StageFace[];
  selected?: number | null;
  onSelect?: (index: number) => void;
  maxHeight?: number;
  children?: React.ReactNode;
}

// Near these edges a label would leave the photo.
const LOW = 0.9;
const RIGHT = 0.75;

/** A photo with a box on every face; boxes are buttons when a face can be chosen. */
export function PhotoStage({
  src,
  alt,
  size,
  faces = [],
  selected,
  onSelect,
  maxHeight = 620,
  children,
}: PhotoStageProps) {
  const { t } = useTranslation();
  const [natural, setNatural] = useState<{ width: number; height: number }>();
  const [broken, setBroken] = useState<string>();
  const shape = size ?? natural ?? { width: 4, height: 3 };
  const frame = {
    aspectRatio: `${shape.width} / ${shape.height}`,
    width: `min(100%, ${(maxHeight * shape.width) / shape.height}px)`,
  };
  return (
    <div className={classes.stage}>
      <div className={classes.frame} style={frame}>
        {broken === src ? (
          <div className={classes.blank}>{t("photo.noPreview")}</div>
        ) : (
          <img
            src={src}
            alt={alt}
            onLoad={({ currentTarget: image }) =>
              setNatural({ width: image.naturalWidth, height: image.naturalHeight })
            }
            onError={() => setBroken(src)}
          />
        )}
        {faces.map((face) => {
          const name = face.description ?? face.label ?? t("photo.face", { number: face.index + 1 });
          const shared = {
            className: classes.box,
            style: boxStyle(face.box),
            "data-tone": face.tone ?? "plain",
            "data-selected": selected === face.index,
            "data-low": face.box.top + face.box.height > LOW,
            "data-right": face.box.left > RIGHT,
          };
          const label = face.label && <span className={classes.label}>{face.label}</span>;
          return onSelect ? (
            <button
              key={face.index}
              type="button"
              {...shared}
              aria-label={name}
              aria-pressed={selected === face.index}
              onClick={() => onSelect(face.index)}
            >
              {label}
            </button>
          ) : (
            <div key={face.index} {...shared} data-passive role="img" aria-label={name}>
              {label}
            </div>
          );
        })}
      </div>
      {children}
    </div>
  );
}
