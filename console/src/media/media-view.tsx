import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { MediaKind } from "#/media/kind";
import classes from "#/media/media.module.css";
import { useObjectUrl } from "#/photo/object-url";

interface MediaViewProps {
  source: Blob;
  kind: MediaKind;
  /** What it is, for whoever does not see it. */
  label: string;
  testId?: string;
}

/** A photo or a video that the browser has. */
export function MediaView({ source, kind, label, testId }: MediaViewProps) {
  const { t } = useTranslation();
  const url = useObjectUrl(source);
  const [broken, setBroken] = useState<Blob | null>(null);
  if (broken === source) return <div className={classes.blank}>{t("media.noPreview")}</div>;
  const onError = () => setBroken(source);
  if (!url) return <div className={classes.blank} />;
  return kind === "video" ? (
    // biome-ignore lint/a11y/useMediaCaption: there is no transcript of a user's own video
    <video
      className={classes.media}
      src={url}
      controls
      playsInline
      preload="auto"
      aria-label={label}
      data-testid={testId}
      onError={onError}
    />
  ) : (
    <img className={classes.media} src={url} alt={label} data-testid={testId} onError={onError} />
  );
}
