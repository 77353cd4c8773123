import { useTranslation } from "react-i18next";

/** Dates, sizes and figures as the language writes them. */
export function useFormat() {
  const { i18n } = useTranslation();
  const locale = i18n.language;
  return {
    number: (value: number) => new Intl.NumberFormat(locale).format(value),
    /** A score; three digits, since 0.997 is not certainty. */
    figure: (value: number, digits = 3) => value.toFixed(digits),
    /** At most two digits after the point. */
    decimal: (value: number) => new Intl.NumberFormat(locale, { maximumFractionDigits: 2 }).format(value),
    milliseconds: (seconds: number) => formatMilliseconds(seconds, locale),
    percent: (value: number) =>
      new Intl.NumberFormat(locale, { style: "percent", maximumFractionDigits: 0 }).format(value),
    /** A rate that may be small: two digits that count. */
    rate: (value: number) =>
      new Intl.NumberFormat(locale, {
        style: "percent",
        // 99.7 % must not become 100 %.
        ...(value > 0.1 ? { maximumFractionDigits: 1 } : { maximumSignificantDigits: 2 }),
      }).format(value),
    dateTime: (value: string) =>
      new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "short" }).format(new Date(value)),
    /** To the second, where the order of events counts. */
    moment: (value: string) =>
      new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "medium" }).format(new Date(value)),
    time: (value: string) => new Intl.DateTimeFormat(locale, { timeStyle: "medium" }).format(new Date(value)),
    bytes: (value: number) => formatBytes(value, locale),
    duration: (seconds: number) => formatDuration(seconds, locale),
    /** Short times with a digit that counts; longer ones as `duration`. */
    seconds: (seconds: number) => formatSeconds(seconds, locale),
  };
}

const units = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte"] as const;

export function formatBytes(value: number, locale: string): string {
  const step = value < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(value) / 3));
  const unit = units[step] ?? "byte";
  return new Intl.NumberFormat(locale, {
    style: "unit",
    unit,
    maximumFractionDigits: step < 2 ? 0 : 1,
  }).format(value / 1000 ** step);
}

const TENTHS_BELOW_S = 10;

export function formatSeconds(seconds: number, locale: string): string {
  if (seconds >= TENTHS_BELOW_S) return formatDuration(Math.round(seconds), locale);
  return new Intl.NumberFormat(locale, {
    style: "unit",
    unit: "second",
    unitDisplay: "short",
    maximumFractionDigits: 1,
    // What is quick takes some time all the same.
  }).format(seconds > 0 ? Math.max(0.1, seconds) : 0);
}

export function formatMilliseconds(seconds: number, locale: string): string {
  return new Intl.NumberFormat(locale, {
    style: "unit",
    unit: "millisecond",
    unitDisplay: "short",
    maximumSignificantDigits: seconds < 1 ? 2 : 3,
  }).format(1000 * seconds);
}

export function formatDuration(seconds: number, locale: string): string {
  const parts: [number, "day" | "hour" | "minute" | "second"][] = [
    [Math.floor(seconds / 86_400), "day"],
    [Math.floor(seconds / 3600) % 24, "hour"],
    [Math.floor(seconds / 60) % 60, "minute"],
    [Math.floor(seconds) % 60, "second"],
  ];
  const first = parts.findIndex(([value]) => value > 0);
  return (
    parts
      .slice(first < 0 ? -1 : first)
      .slice(0, 2)
      // "1 min 0 sec" says no more than "1 min".
      .filter(([value], index) => index === 0 || value > 0)
      .map(([value, unit]) =>
        new Intl.NumberFormat(locale, { style: "unit", unit, unitDisplay: "short" }).format(value),
      )
      .join(" ")
  );
}
