import { Badge, Button, Group, Modal, Stack, Title } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { Download, Star, Trash2, UserRoundPen } from "lucide-react";
import { useTranslation } from "react-i18next";
import { Allowed } from "#/account/allowed";
import { authorisedFetch } from "#/api/client";
import type { Person, PersonImage } from "#/api/types";
import { MoveDialog } from "#/gallery/moves/move-dialog";
import { DeleteImageDialog } from "#/gallery/person/delete-image-dialog";
import classes from "#/gallery/person/person.module.css";
import { Fact } from "#/gallery/person/person-facts";
import { QualityFigures } from "#/gallery/person/quality-figures";
import { useSetPrimary } from "#/gallery/queries";
import { useFormat } from "#/i18n/format";
import { imageContent } from "#/photo/addresses";
import { useObjectUrl } from "#/photo/object-url";
import { PhotoStage } from "#/photo/photo-stage";
import { LivenessBadge } from "#/search/liveness-badge";
import { toastDone } from "#/shell/problem";

interface ImageDialogProps {
  image: PersonImage | undefined;
  person: Person;
  onClose: () => void;
}

export function ImageDialog({ image, person, onClose }: ImageDialogProps) {
  const { t } = useTranslation();
  return (
    <Modal
      opened={image !== undefined}
      onClose={onClose}
      size={1080}
      title={t("person.imageTitle", { name: person.name })}
      closeButtonProps={{ "aria-label": t("shell.close") }}
    >
      {image && <ImageView image={image} person={person} />}
    </Modal>
  );
}

function ImageView({ image, person }: { image: PersonImage; person: Person }) {
  const { t } = useTranslation();
  const format = useFormat();
  const setPrimary = useSetPrimary(person.person_id);
  const [deleting, deletion] = useDisclosure(false);
  const [isMoving, moving] = useDisclosure(false);
  const url = useOriginal(person.person_id, image.image_id);
  return (
    <div className={classes.imageLayout}>
      <PhotoStage
        src={url}
        alt={t("person.imageTitle", { name: person.name })}
        size={image}
        faces={[{ index: 0, box: image.box_normalized, description: person.name }]}
        maxHeight={560}
      />
      <Stack gap="lg">
        <section>
          <Title order={3} size="h5" mb="xs">
            {t("person.quality.title")}
          </Title>
          <QualityFigures quality={image.quality} />
        </section>
        {image.liveness && (
          <section>
            <Title order={3} size="h5" mb="xs">
              {t("search.liveness.title")}
            </Title>
            <LivenessBadge liveness={image.liveness} />
          </section>
        )}
        <section>
          <Title order={3} size="h5" mb="xs">
            {t("person.packs")}
          </Title>
          <Group gap={6}>
            {image.embeddings.map((item) => (
              <Badge key={`${item.pack}@${item.pack_version}`} variant="default" size="lg" tt="none" fw={500}>
                {item.pack}@{item.pack_version} · {item.dimension}
              </Badge>
            ))}
          </Group>
        </section>
        <section>
          <Title order={3} size="h5" mb="xs">
            {t("person.file")}
          </Title>
          <dl className={classes.facts}>
            <Fact name={t("person.size")}>
              {image.width} × {image.height} · {image.format.toUpperCase()} · {format.bytes(image.size_bytes)}
            </Fact>
            <Fact name={t("person.added")}>{format.dateTime(image.uploaded_at)}</Fact>
            <Fact name={t("person.checksum")}>
              <code>{image.sha256.slice(0, 16)}…</code>
            </Fact>
          </dl>
        </section>
        <Group gap="xs">
          <Allowed scope="gallery:enrol">
            <Button
              variant="default"
              leftSection={<Star size={16} />}
              disabled={image.is_primary}
              loading={setPrimary.isPending}
              onClick={() =>
                setPrimary.mutate(image.image_id, { onSuccess: () => toastDone(t("person.primaryDone")) })
              }
            >
              {t(image.is_primary ? "person.primary" : "person.setPrimary")}
            </Button>
            <Button variant="default" leftSection={<UserRoundPen size={16} />} onClick={moving.open}>
              {t("moves.move.action")}
            </Button>
          </Allowed>
          {url && (
            <Button
              variant="default"
              component="a"
              href={url}
              download={`${person.name}.${image.format === "jpeg" ? "jpg" : image.format}`}
              leftSection={<Download size={16} />}
            >
              {t("person.download")}
            </Button>
          )}
          <Allowed scope="gallery:enrol">
            <Button
              variant="subtle"
              color="cinnabar"
              leftSection={<Trash2 size={16} />}
              onClick={deletion.open}
            >
              {t("person.deleteImage")}
            </Button>
          </Allowed>
        </Group>
      </Stack>
      <MoveDialog image={image} person={person} opened={isMoving} onClose={moving.close} />
      <DeleteImageDialog image={image} person={person} opened={deleting} onClose={deletion.close} />
    </div>
  );
}

function useOriginal(personId: string, imageId: string): string | undefined {
  const original = useQuery({
    queryKey: ["original", imageId],
    queryFn: async ({ signal }) => {
      const response = await authorisedFetch(new Request(imageContent(personId, imageId), { signal }));
      if (!response.ok) throw new Error(`HTTP ${response.status}`);
      return response.blob();
    },
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
  });
  return useObjectUrl(original.data);
}
