import { Text } from "@mantine/core";
import { useState } from "react";
import { lines, nearest, type Sample, topOf, WINDOW_S } from "#/overview/history";
import classes from "#/overview/overview.module.css";

const WIDTH = 300;
const HEIGHT = 64;

interface Props {
  name: string;
  label: string;
  samples: Sample[];
  intervalS: number;
  /** The least that the top of the axis is; shares have a top of 1. */
  least: number;
  format: (value: number) => string;
  /** What is written while the pointer is elsewhere, besides the value. */
  note?: string;
  timeOf: (at: number) => string;
  nothing: string;
}

/** One number over the last fifteen minutes: its value now, or where the pointer is. */
export function Sparkline({ name, label, samples, intervalS, least, format, note, timeOf, nothing }: Props) {
  const [share, setShare] = useState<number | null>(null);
  const pointed = share === null ? undefined : nearest(samples, share);
  const shown = pointed ?? samples.at(-1);
  const values = samples.map(({ value }) => value);
  const top = topOf(values, least);
  const written = shown?.value == null ? nothing : format(shown.value);
  const paths = lines(samples, top, intervalS, WIDTH, HEIGHT);
  const end = samples.at(-1)?.at ?? 0;
  return (
    <figure className={`surface ${classes.chart}`} data-testid={`chart-${name}`} data-points={samples.length}>
      <figcaption className={classes.caption}>
        <Text size="sm" c="dimmed">
          {label}
        </Text>
        <Text size="xs" c="dimmed" className="tabular">
          {pointed ? timeOf(pointed.at) : note}
        </Text>
      </figcaption>
      <div className={classes.caption}>
        <div className={`${classes.now} tabular`} data-testid={`value-${name}`}>
          {written}
        </div>
        <Text size="xs" c="dimmed" className="tabular" aria-hidden>
          {format(top)}
        </Text>
      </div>
      <svg
        className={classes.line}
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={`${label}: ${written}`}
        onPointerMove={(event) => {
          const { left, width } = event.currentTarget.getBoundingClientRect();
          setShare((event.clientX - left) / width);
        }}
        onPointerLeave={() => setShare(null)}
      >
        {paths.map((path) => (
          <path key={path} d={path} className={classes.stroke} />
        ))}
        {pointed && (
          <line
            x1={(1 - (end - pointed.at) / WINDOW_S) * WIDTH}
            x2={(1 - (end - pointed.at) / WINDOW_S) * WIDTH}
            y1={0}
            y2={HEIGHT}
            className={classes.pointer}
          />
        )}
      </svg>
    </figure>
  );
}
