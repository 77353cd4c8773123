import { Text } from "@mantine/core";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { useFormat } from "#/i18n/format";
import type { Stream } from "#/streams/types";

const SECOND_MS = 1000;

/** Counts down to the end of a stream. */
export function TimeLeft({ stream }: { stream: Stream }) {
  const { t } = useTranslation();
  const format = useFormat();
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), SECOND_MS);
    return () => clearInterval(timer);
  }, []);
  const left = stream.expires_at && Math.max(0, (new Date(stream.expires_at).getTime() - now) / SECOND_MS);
  return (
    <Text size="sm" c="dimmed" className="tabular" data-testid="time-left">
      {typeof left === "number"
        ? t("streams.live.left", { time: format.duration(left) })
        : t("streams.live.forever")}
    </Text>
  );
}
