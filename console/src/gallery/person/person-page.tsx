import {
  ActionIcon,
  Anchor,
  Button,
  Code,
  CopyButton,
  Group,
  Skeleton,
  Stack,
  Text,
  Title,
  Tooltip,
} from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { ArrowLeft, Check, Copy, ImageOff, ImagePlus } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useMay } from "#/account/session";
import type { PersonDetail } from "#/api/types";
import { EnrolDialog, type EnrolStart } from "#/gallery/enrol/enrol-dialog";
import { ImageDialog } from "#/gallery/person/image-dialog";
import { ImageTile } from "#/gallery/person/image-tile";
import classes from "#/gallery/person/person.module.css";
import { PersonFacts } from "#/gallery/person/person-facts";
import { PersonMenu } from "#/gallery/person-menu";
import { personQuery } from "#/gallery/queries";
import { thumbnailOf } from "#/photo/addresses";
import { ServerImage } from "#/photo/server-image";
import { EmptyState } from "#/shell/empty-state";
import { ProblemAlert } from "#/shell/problem";
import { useShortcuts } from "#/shell/shortcuts";

const route = getRouteApi("/gallery/$personId");

export function PersonPage() {
  const { t } = useTranslation();
  const { personId } = route.useParams();
  const person = useQuery(personQuery(personId));
  return (
    <Stack gap="lg">
      <Anchor component={Link} to="/gallery" c="dimmed" size="sm" style={{ alignSelf: "flex-start" }}>
        <Group gap={6}>
          <ArrowLeft size={15} />
          {t("person.back")}
        </Group>
      </Anchor>
      {person.isPending && <Skeleton height={360} radius="lg" />}
      {person.data ? (
        <PersonView detail={person.data} />
      ) : (
        person.error && <ProblemAlert error={person.error} onRetry={() => void person.refetch()} />
      )}
    </Stack>
  );
}

function PersonView({ detail: { person, images } }: { detail: PersonDetail }) {
  const { t } = useTranslation();
  const navigate = route.useNavigate();
  const [start, setStart] = useState<EnrolStart | null>(null);
  const [openedId, setOpenedId] = useState<string | null>(null);
  const opened = images.find((image) => image.image_id === openedId);
  const mayEnrol = useMay("gallery:enrol");
  const addPhotos = () => setStart({ files: [] });
  useShortcuts({ n: () => mayEnrol && addPhotos() });
  return (
    <>
      <title>{`${person.name} · Lianpu`}</title>
      <Group justify="space-between" gap="md">
        <Group gap="lg" wrap="nowrap" miw={0}>
          <ServerImage src={thumbnailOf(person)} alt="" className={classes.portrait ?? ""} />
          <Stack gap={4} miw={0}>
            <Title order={1} size="h2" style={{ overflowWrap: "anywhere" }}>
              {person.name}
            </Title>
            <Group gap={4} wrap="nowrap">
              <Text size="sm" c="dimmed" flex="none">
                {t("person.id")}
              </Text>
              <Code className="truncate">{person.person_id}</Code>
              <CopyButton value={person.person_id}>
                {({ copied, copy }) => (
                  <Tooltip label={t(copied ? "person.copied" : "person.copyId")}>
                    <ActionIcon size="sm" color="gray" aria-label={t("person.copyId")} onClick={copy}>
                      {copied ? <Check size={14} /> : <Copy size={14} />}
                    </ActionIcon>
                  </Tooltip>
                )}
              </CopyButton>
            </Group>
          </Stack>
        </Group>
        <Group gap="xs">
          {mayEnrol && (
            <Button leftSection={<ImagePlus size={18} />} onClick={addPhotos}>
              {t("person.addPhotos")}
            </Button>
          )}
          <PersonMenu person={person} onDeleted={() => void navigate({ to: "/gallery" })} />
        </Group>
      </Group>
      <div className={classes.layout}>
        <section aria-label={t("person.photos")}>
          {images.length === 0 ? (
            <EmptyState
              icon={ImageOff}
              title={t("person.noPhotos.title")}
              text={t(mayEnrol ? "person.noPhotos.text" : "person.noPhotos.textReader")}
            >
              {mayEnrol && <Button onClick={addPhotos}>{t("person.addPhotos")}</Button>}
            </EmptyState>
          ) : (
            <ul className={classes.images}>
              {images.map((image, index) => (
                <ImageTile
                  key={image.image_id}
                  image={image}
                  number={index + 1}
                  person={person}
                  onOpen={() => setOpenedId(image.image_id)}
                />
              ))}
            </ul>
          )}
        </section>
        <PersonFacts person={person} />
      </div>
      <EnrolDialog start={start} onClose={() => setStart(null)} person={person} />
      <ImageDialog image={opened} person={person} onClose={() => setOpenedId(null)} />
    </>
  );
}
