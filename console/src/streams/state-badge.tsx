import { Badge, Tooltip } from "@mantine/core";
import { useTranslation } from "react-i18next";
import type { streamsTexts } from "#/streams/texts";
import { type Stream, stateOf } from "#/streams/types";

const COLOURS = {
  connecting: "gray",
  running: "jade",
  reconnecting: "ochre",
  ended: "gray",
  failed: "cinnabar",
};

/** How a stream is, and why. */
export function StateBadge({ stream }: { stream: Stream }) {
  const { t } = useTranslation();
  const reasonOf = useReason();
  const state = stateOf(stream);
  const badge = (
    <Badge
      variant={state === "running" ? "filled" : "light"}
      color={COLOURS[state]}
      data-testid="stream-state"
    >
      {t(`streams.states.${state}`)}
    </Badge>
  );
  return stream.reason ? <Tooltip label={reasonOf(stream.reason)}>{badge}</Tooltip> : badge;
}

type Reason = keyof (typeof streamsTexts)["en"]["reasons"];

/** A reason in words, where it is one of the known ones; the server's own words else. */
export function useReason(): (reason: string) => string {
  const { t } = useTranslation();
  return (reason) => t(`streams.reasons.${reason as Reason}`, { defaultValue: reason });
}
