import { Group, Progress, Stack, Text, Title } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { useFormat } from "#/i18n/format";
import { FaceCards } from "#/images/face-cards";
import classes from "#/images/images.module.css";
import type { Output, OutputClass } from "#/images/output";
import { useModelTitle } from "#/images/queries";
import type { InferenceResult, StoredImage } from "#/images/types";
import { JsonView } from "#/json/json-view";

interface OutputViewProps {
  result: InferenceResult;
  output: Output;
  image: StoredImage;
  src: string | undefined;
  selected: number | null;
  onSelect: (index: number) => void;
}

/** One result: drawn where this console knows how, and always as it is. */
export function OutputView({ result, output, image, src, selected, onSelect }: OutputViewProps) {
  const { t } = useTranslation();
  const format = useFormat();
  const titleOf = useModelTitle();
  return (
    <Stack
      gap="md"
      component="section"
      className={classes.output ?? ""}
      aria-label={t("images.results.one")}
      data-testid="result"
    >
      <Group gap="sm" justify="space-between">
        <Title order={2} size="h5" data-testid="result-model">
          {titleOf(result.model)}
        </Title>
        <Text size="sm" c="dimmed" className="tabular">
          {t("images.results.took", { ms: format.number(Math.round(result.duration_ms)) })}
        </Text>
      </Group>
      {output.kind === "faces" && (
        <Text size="sm" role="status">
          {t("images.results.faces", { count: output.faces.length })}
        </Text>
      )}
      {output.kind === "faces" && output.faces.length > 0 && (
        <FaceCards faces={output.faces} image={image} src={src} selected={selected} onSelect={onSelect} />
      )}
      {output.kind === "classes" && <ClassBars classes={output.classes} />}
      {output.kind === "other" ? (
        <JsonView value={result.output} label={t("images.results.data")} />
      ) : (
        <details className={classes.unavailable}>
          <summary>{t("images.results.data")}</summary>
          <JsonView value={result.output} label={t("images.results.data")} />
        </details>
      )}
    </Stack>
  );
}

/** The classes of a classifier, by how sure it is. */
function ClassBars({ classes: found }: { classes: OutputClass[] }) {
  const { t } = useTranslation();
  const format = useFormat();
  if (found.length === 0) return <Text size="sm">{t("images.results.noClasses")}</Text>;
  return (
    <ol className={classes.labels} data-testid="classes">
      {found.map(({ label, score }) => (
        <li key={label}>
          <div className={classes.labelRow}>
            <span style={{ overflowWrap: "anywhere" }}>{label}</span>
            <b className="tabular">{format.rate(score)}</b>
          </div>
          <Progress value={100 * score} color="jade.6" size={8} aria-label={label} />
        </li>
      ))}
    </ol>
  );
}
