import { List, Text } from "@mantine/core";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { useFormat } from "#/i18n/format";
import type { SwapOutput } from "#/swap/studio/result";
import classes from "#/swap/swap.module.css";

/** How it was made, and how long it is kept. */
export function OutputFacts({ output }: { output: SwapOutput }) {
  const { t } = useTranslation();
  const format = useFormat();
  const engine = `${output.engine} ${output.engineVersion}`.trim();
  const file = `${output.mediaType} · ${format.bytes(output.sizeBytes)}`;
  return (
    <>
      <dl className={classes.facts}>
        <Fact name={t("swap.facts.engine")}>
          {engine}
          {output.provider && ` · ${output.provider}`}
        </Fact>
        <Fact name={t("swap.facts.file")}>{file}</Fact>
        <Fact name={t("swap.facts.faces")}>{format.number(output.facesSwapped)}</Fact>
        {output.kind === "video" && (
          <Fact name={t("swap.facts.frames")}>
            {format.number(output.frames)} · {t(output.hasAudio ? "swap.facts.sound" : "swap.facts.noSound")}
          </Fact>
        )}
        <Fact name={t("swap.facts.mark")}>
          <code>{output.mark}</code>
        </Fact>
        <Fact name="SHA-256">
          <code title={output.sha256}>{output.sha256.slice(0, 16)}…</code>
        </Fact>
        <Fact name={t("swap.facts.kept")}>{format.dateTime(output.expiresAt)}</Fact>
      </dl>
      {output.notes.length > 0 && (
        <>
          <Text size="sm" c="dimmed" mt="xs">
            {t("swap.facts.notes")}
          </Text>
          <List size="sm">
            {output.notes.map((note) => (
              <List.Item key={note}>{note}</List.Item>
            ))}
          </List>
        </>
      )}
    </>
  );
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <>
      <dt>{name}</dt>
      <dd className="tabular">{children}</dd>
    </>
  );
}
