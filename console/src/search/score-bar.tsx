import { useTranslation } from "react-i18next";
import { useFormat } from "#/i18n/format";
import classes from "#/search/search.module.css";

interface ScoreBarProps {
  score: number;
  threshold: number;
  isMatch: boolean;
}

/** A score against its threshold, on a scale from 0 to 1. */
export function ScoreBar({ score, threshold, isMatch }: ScoreBarProps) {
  const { t } = useTranslation();
  const format = useFormat();
  return (
    // biome-ignore lint/a11y/useSemanticElements: browsers let no threshold be drawn on a <meter>.
    <div
      className={classes.track}
      data-match={isMatch}
      role="meter"
      aria-valuemin={0}
      aria-valuemax={1}
      aria-valuenow={score}
      aria-label={t("search.score")}
      aria-valuetext={`${format.figure(score)} (${t("search.threshold")} ${format.figure(threshold)})`}
    >
      <div className={classes.fill} style={{ width: `${score * 100}%` }} />
      <div className={classes.tick} style={{ left: `${threshold * 100}%` }} />
    </div>
  );
}
