import { Progress, Stack } from "@mantine/core";
import { useTranslation } from "react-i18next";
import type { Quality } from "#/api/types";
import classes from "#/gallery/person/person.module.css";
import { Fact } from "#/gallery/person/person-facts";
import { useFormat } from "#/i18n/format";

const GOOD = 0.66;
const FAIR = 0.4;
const bars = ["overall", "sharpness", "exposure"] as const;
const turns = ["yaw", "pitch", "roll"] as const;

export function QualityFigures({ quality }: { quality: Quality }) {
  const { t } = useTranslation();
  const format = useFormat();
  // A pack without the needed points leaves a turn out.
  const pose = turns.flatMap((turn) => {
    const degrees = quality[`${turn}_degrees`];
    return degrees === null ? [] : [t(`person.quality.${turn}`, { degrees: degrees.toFixed(0) })];
  });
  return (
    <Stack gap={8}>
      {bars.map((name) => (
        <div key={name} className={classes.figure}>
          <span>{t(`person.quality.${name}`)}</span>
          <Progress
            value={quality[name] * 100}
            color={toneOf(quality[name])}
            aria-label={t(`person.quality.${name}`)}
          />
          <b className="tabular">{format.percent(quality[name])}</b>
        </div>
      ))}
      <dl className={classes.facts}>
        <Fact name={t("person.quality.size_px")}>
          {t("person.quality.pixels", { value: format.number(Math.round(quality.size_px)) })}
        </Fact>
        {pose.length > 0 && <Fact name={t("person.quality.pose")}>{pose.join(" · ")}</Fact>}
        <Fact name={t("person.quality.detection_score")}>{format.figure(quality.detection_score, 2)}</Fact>
      </dl>
    </Stack>
  );
}

function toneOf(value: number): string {
  if (value >= GOOD) return "jade.6";
  return value >= FAIR ? "ochre.5" : "cinnabar.6";
}
