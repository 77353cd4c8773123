import { ActionIcon, Stack, Text, Tooltip } from "@mantine/core";
import { MoveHorizontal, Scan, ZoomIn, ZoomOut } from "lucide-react";
import { type KeyboardEvent, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import classes from "#/photo/before-after.module.css";
import { placeIn, useView } from "#/photo/use-view";
import { moved, viewStyle, WHOLE, zoomed } from "#/photo/view";

interface BeforeAfterProps {
  before: string | undefined;
  after: string | undefined;
  /** Pixels of the picture afterwards: its shape. */
  size: { width: number; height: number };
  maxHeight?: number;
}

const ZOOM_STEP = 1.5;
const CLOSE_UP = 4;
const MOVE_STEP = 0.15;
const MOVES: Record<string, [x: number, y: number]> = {
  ArrowLeft: [MOVE_STEP, 0],
  ArrowRight: [-MOVE_STEP, 0],
  ArrowUp: [0, MOVE_STEP],
  ArrowDown: [0, -MOVE_STEP],
};

/** Two states of one picture in one place, with a line to move between them, and both as near as one likes. */
export function BeforeAfter({ before, after, size, maxHeight = 640 }: BeforeAfterProps) {
  const { t } = useTranslation();
  const frame = useRef<HTMLDivElement>(null);
  const range = useRef<HTMLInputElement>(null);
  const { view, setView, split, setSplit, handlers } = useView(frame);
  const [isBroken, setBroken] = useState(false);
  const style = viewStyle(view);
  const percent = Math.round(100 * split);
  const zoomBy = (factor: number) => setView((last) => zoomed(last, factor));
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const move = event.shiftKey ? MOVES[event.key] : undefined;
    if (move) setView((last) => moved(last, ...move));
    else if (event.key === "+" || event.key === "=") zoomBy(ZOOM_STEP);
    else if (event.key === "-") zoomBy(1 / ZOOM_STEP);
    else if (event.key === "0") setView(WHOLE);
    else return;
    event.preventDefault();
  };
  return (
    <Stack
      gap={6}
      component="figure"
      m={0}
      aria-label={t("photo.beforeAfter.title")}
      data-testid="before-after"
      onKeyDown={onKeyDown}
    >
      {/* biome-ignore lint/a11y/noStaticElementInteractions: keys move the same line by the range input in it. */}
      <div
        ref={frame}
        className={classes.frame}
        data-zoomed={view.zoom > 1}
        style={{
          aspectRatio: `${size.width} / ${size.height}`,
          width: `min(100%, ${(maxHeight * size.width) / size.height}px)`,
        }}
        onDoubleClick={(event) => {
          const { x, y } = placeIn(frame.current, event);
          setView((last) => (last.zoom > 1 ? WHOLE : zoomed(last, CLOSE_UP, x, y)));
        }}
        onMouseDown={(event) => {
          // Keys go on where the pointer has left off.
          event.preventDefault();
          range.current?.focus({ preventScroll: true });
        }}
        {...handlers}
      >
        <div className={classes.layer}>
          <img src={after} alt={t("photo.beforeAfter.after")} style={style} draggable={false} />
        </div>
        <div className={classes.layer} style={{ clipPath: `inset(0 ${100 - 100 * split}% 0 0)` }}>
          <img
            src={before}
            alt={t("photo.beforeAfter.before")}
            style={style}
            draggable={false}
            onError={() => setBroken(true)}
          />
        </div>
        <span
          className={`${classes.tag} ${classes.before}`}
          style={{ opacity: split > 0.14 ? 1 : 0 }}
          aria-hidden
        >
          {t("photo.beforeAfter.before")}
        </span>
        <span
          className={`${classes.tag} ${classes.after}`}
          style={{ opacity: split < 0.86 ? 1 : 0 }}
          aria-hidden
        >
          {t("photo.beforeAfter.after")}
        </span>
        <input
          ref={range}
          type="range"
          className={classes.range}
          min={0}
          max={100}
          value={percent}
          onChange={(event) => setSplit(event.currentTarget.valueAsNumber / 100)}
          aria-label={t("photo.beforeAfter.line")}
          aria-valuetext={t("photo.beforeAfter.share", { percent })}
        />
        <div className={classes.line} style={{ left: `${100 * split}%` }} aria-hidden>
          <span className={classes.grip}>
            <MoveHorizontal size={20} />
          </span>
        </div>
      </div>
      {isBroken && before && (
        <Text size="sm" c="dimmed">
          {t("photo.noPreview")}
        </Text>
      )}
      <div className={classes.tools}>
        <Tool label={t("photo.beforeAfter.out")} isOff={view.zoom <= 1} onClick={() => zoomBy(1 / ZOOM_STEP)}>
          <ZoomOut size={18} />
        </Tool>
        <Text size="sm" className="tabular" miw={44} ta="center" aria-live="polite" data-testid="zoom">
          ×{view.zoom.toFixed(1)}
        </Text>
        <Tool label={t("photo.beforeAfter.in")} isOff={view.zoom >= 16} onClick={() => zoomBy(ZOOM_STEP)}>
          <ZoomIn size={18} />
        </Tool>
        <Tool label={t("photo.beforeAfter.whole")} isOff={view.zoom <= 1} onClick={() => setView(WHOLE)}>
          <Scan size={18} />
        </Tool>
        <Text size="xs" c="dimmed" visibleFrom="sm">
          {t("photo.beforeAfter.keys")}
        </Text>
      </div>
    </Stack>
  );
}

interface ToolProps {
  label: string;
  isOff: boolean;
  onClick: () => void;
  children: React.ReactNode;
}

function Tool({ label, isOff, onClick, children }: ToolProps) {
  return (
    <Tooltip label={label}>
      <ActionIcon color="gray" aria-label={label} disabled={isOff} onClick={onClick}>
        {children}
      </ActionIcon>
    </Tooltip>
  );
}
