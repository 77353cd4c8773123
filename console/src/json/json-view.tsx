import { ActionIcon, CopyButton, Tooltip } from "@mantine/core";
import { Check, Copy } from "lucide-react";
import { useTranslation } from "react-i18next";
import classes from "#/json/json.module.css";

const OPEN_LEVELS = 2;
const LONG_ROW = 12;
/** Lists of plain values up to this length are written out. */
const SHORT_LIST = 16;

/** Any JSON as an outline: what is deep or long is folded. */
export function JsonView({ value, label }: { value: unknown; label: string }) {
  const { t } = useTranslation();
  return (
    <section className={classes.view} aria-label={label}>
      <CopyButton value={JSON.stringify(value, null, 2)}>
        {({ copied, copy }) => (
          <Tooltip label={t("json.copy")}>
            <ActionIcon
              size="sm"
              color="gray"
              className={classes.copy}
              aria-label={t("json.copy")}
              onClick={copy}
            >
              {copied ? <Check size={14} /> : <Copy size={14} />}
            </ActionIcon>
          </Tooltip>
        )}
      </CopyButton>
      <Value value={value} level={0} />
    </section>
  );
}

function Value({ value, level }: { value: unknown; level: number }) {
  const { t } = useTranslation();
  if (typeof value !== "object" || value === null) return <Plain value={value} />;
  const isList = Array.isArray(value);
  if (isList && value.length <= SHORT_LIST && value.every(isPlain)) return <PlainList values={value} />;
  const entries = Object.entries(value);
  if (entries.length === 0) return <span className={classes.null}>{isList ? "[ ]" : "{ }"}</span>;
  const rows = (
    <dl className={classes.rows}>
      {entries.map(([name, item]) => (
        <div key={name} className={classes.row}>
          <dt>{name}</dt>
          <dd>
            <Value value={item} level={level + 1} />
          </dd>
        </div>
      ))}
    </dl>
  );
  if (level === 0) return rows;
  const summary = t(isList ? "json.items" : "json.fields", { count: entries.length });
  return (
    <details open={level < OPEN_LEVELS && entries.length <= LONG_ROW}>
      <summary>{summary}</summary>
      {rows}
    </details>
  );
}

function Plain({ value }: { value: unknown }) {
  if (typeof value === "string") return <span className={classes.text}>{value}</span>;
  return <span className={value === null ? classes.null : classes.plain}>{shown(value)}</span>;
}

function PlainList({ values }: { values: unknown[] }) {
  return <span className={classes.plain}>[{values.map(shown).join(", ")}]</span>;
}

function isPlain(value: unknown): boolean {
  return typeof value !== "object" || value === null;
}

/** A network's figures have more digits than meaning. */
function shown(value: unknown): string {
  if (typeof value === "number" && !Number.isInteger(value)) return String(Number(value.toPrecision(6)));
  return JSON.stringify(value);
}
