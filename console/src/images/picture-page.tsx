import { Anchor, Button, Group, Skeleton, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { ArrowLeft, Download, ImageOff, Trash2 } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { problemOf } from "#/api/problem";
import { DeletePictureDialog } from "#/images/delete-picture-dialog";
import classes from "#/images/images.module.css";
import { readOutput } from "#/images/output";
import { OutputView } from "#/images/output-view";
import { PictureFacts } from "#/images/picture-facts";
import { contentQuery, imageQuery, useResults } from "#/images/queries";
import { RunList } from "#/images/run-list";
import { RunPanel } from "#/images/run-panel";
import type { StoredImage } from "#/images/types";
import { useObjectUrl } from "#/photo/object-url";
import { PhotoStage } from "#/photo/photo-stage";
import { EmptyState } from "#/shell/empty-state";
import { PageHeader } from "#/shell/page-header";
import { ProblemAlert } from "#/shell/problem";

const route = getRouteApi("/images/$imageId");

export function PicturePage() {
  const { t } = useTranslation();
  const { imageId } = route.useParams();
  const image = useQuery(imageQuery(imageId));
  return (
    <>
      <Anchor component={Link} to="/images" c="dimmed" size="sm" display="inline-block" mb="sm">
        <Group gap={6}>
          <ArrowLeft size={15} />
          {t("images.title")}
        </Group>
      </Anchor>
      {image.isPending && <Skeleton height={460} radius="lg" />}
      {image.error && problemOf(image.error).status === 404 && (
        <EmptyState icon={ImageOff} title={t("images.gone.title")} text={t("images.gone.text")} />
      )}
      {image.error && problemOf(image.error).status !== 404 && (
        <ProblemAlert error={image.error} onRetry={() => void image.refetch()} />
      )}
      {image.data && <Picture key={imageId} image={image.data} />}
    </>
  );
}

function Picture({ image }: { image: StoredImage }) {
  const { t } = useTranslation();
  const navigate = route.useNavigate();
  const [deleting, setDeleting] = useState(false);
  /** Null: the newest, so that what arrives is seen at once. */
  const [chosen, setChosen] = useState<string | null>(null);
  const [face, setFace] = useState<number | null>(null);
  const content = useQuery(contentQuery(image.image_id));
  const src = useObjectUrl(content.data);
  const results = useResults(image.image_id);
  const shown = results.data?.find((one) => one.result_id === chosen) ?? results.data?.[0];
  const output = shown && readOutput(shown.output, image);
  const choose = (resultId: string | null) => {
    setChosen(resultId);
    setFace(null);
  };
  return (
    <>
      <PageHeader title={image.name}>
        {src && (
          <Button
            variant="default"
            component="a"
            href={src}
            download={image.name}
            leftSection={<Download size={16} />}
          >
            {t("images.download")}
          </Button>
        )}
        <Button variant="default" leftSection={<Trash2 size={16} />} onClick={() => setDeleting(true)}>
          {t("images.delete.confirm")}
        </Button>
      </PageHeader>
      <div className={classes.layout}>
        <div className={classes.main}>
          {content.error && <ProblemAlert error={content.error} onRetry={() => void content.refetch()} />}
          <div data-testid="stage">
            <PhotoStage
              src={src}
              alt={image.name}
              size={image}
              faces={output?.kind === "faces" ? output.faces.map((one) => ({ ...one, tone: "match" })) : []}
              selected={face}
              onSelect={(index) => setFace(index === face ? null : index)}
            />
          </div>
          {shown && output && (
            <OutputView
              key={shown.result_id}
              result={shown}
              output={output}
              image={image}
              src={src}
              selected={face}
              onSelect={setFace}
            />
          )}
          {results.data?.length === 0 && (
            <Text c="dimmed" size="sm">
              {t("images.results.none")}
            </Text>
          )}
        </div>
        <div className={classes.main}>
          <RunPanel imageId={image.image_id} onRun={() => choose(null)} />
          <RunList
            imageId={image.image_id}
            results={results}
            shown={shown?.result_id ?? null}
            onChoose={choose}
          />
          <PictureFacts image={image} />
        </div>
      </div>
      {deleting && (
        <DeletePictureDialog
          image={image}
          onClose={() => setDeleting(false)}
          onDeleted={() => void navigate({ to: "/images" })}
        />
      )}
    </>
  );
}
