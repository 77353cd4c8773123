import { Badge, Button, Group, Stack, Text, Title } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { Pencil } from "lucide-react";
import { useTranslation } from "react-i18next";
import { Allowed } from "#/account/allowed";
import type { Person } from "#/api/types";
import { DetailsDialog } from "#/gallery/details-dialog";
import { shown } from "#/gallery/metadata";
import classes from "#/gallery/person/person.module.css";
import { useFormat } from "#/i18n/format";

export function PersonFacts({ person }: { person: Person }) {
  const { t } = useTranslation();
  const format = useFormat();
  const [editing, edit] = useDisclosure(false);
  const metadata = Object.entries(person.metadata);
  return (
    <Stack gap="md">
      <section className={`surface ${classes.panel}`}>
        <Group justify="space-between" mb="sm">
          <Title order={2} size="h5">
            {t("person.details")}
          </Title>
          <Allowed scope="gallery:enrol">
            <Button size="compact-sm" variant="subtle" leftSection={<Pencil size={14} />} onClick={edit.open}>
              {t("gallery.actions.metadata")}
            </Button>
          </Allowed>
        </Group>
        {metadata.length === 0 && (
          <Text size="sm" c="dimmed" mb="xs">
            {t("person.noDetails")}
          </Text>
        )}
        <dl className={classes.facts}>
          {metadata.map(([key, value]) => (
            <Fact key={key} name={key}>
              {shown(value)}
            </Fact>
          ))}
          <Fact name={t("person.threshold")}>
            {person.threshold === null ? t("person.thresholdPack") : format.figure(person.threshold)}
          </Fact>
          <Fact name={t("person.enrolledAt")}>{format.dateTime(person.created_at)}</Fact>
          <Fact name={t("person.updatedAt")}>{format.dateTime(person.updated_at)}</Fact>
        </dl>
      </section>
      <section className={`surface ${classes.panel}`}>
        <Title order={2} size="h5" mb="sm">
          {t("person.packs")}
        </Title>
        {person.packs.length === 0 && (
          <Text size="sm" c="dimmed">
            {t("person.noPacks")}
          </Text>
        )}
        <Stack gap={8}>
          {person.packs.map((pack) => (
            <Group key={`${pack.name}@${pack.version}`} justify="space-between">
              <Badge variant="default" size="lg" tt="none" fw={500}>
                {pack.name}@{pack.version}
              </Badge>
              <Text size="sm">{t("person.packCount", { count: pack.embedding_count })}</Text>
            </Group>
          ))}
        </Stack>
      </section>
      <DetailsDialog person={person} opened={editing} onClose={edit.close} />
    </Stack>
  );
}

export function Fact({ name, children }: { name: string; children: React.ReactNode }) {
  return (
    <>
      <dt>{name}</dt>
      <dd className="tabular">{children}</dd>
    </>
  );
}
