import { Badge, Group, Table, Text } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import type { Person } from "#/api/types";
import classes from "#/gallery/gallery.module.css";
import { PersonMenu } from "#/gallery/person-menu";
import { useFormat } from "#/i18n/format";
import { thumbnailOf } from "#/photo/addresses";
import { ServerImage } from "#/photo/server-image";

export function PersonTable({ persons }: { persons: Person[] }) {
  const { t } = useTranslation();
  const format = useFormat();
  return (
    <div className="surface" style={{ overflowX: "auto" }}>
      <Table verticalSpacing="xs" horizontalSpacing="md" highlightOnHover miw={640}>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>{t("gallery.columns.person")}</Table.Th>
            <Table.Th>{t("gallery.columns.photos")}</Table.Th>
            <Table.Th>{t("gallery.columns.packs")}</Table.Th>
            <Table.Th>{t("gallery.columns.updated")}</Table.Th>
            <Table.Th />
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {persons.map((person) => (
            <Table.Tr key={person.person_id}>
              <Table.Td>
                <Group gap="sm" wrap="nowrap">
                  <ServerImage src={thumbnailOf(person)} alt="" className={classes.small ?? ""} />
                  <Text
                    renderRoot={(props) => (
                      <Link {...props} to="/gallery/$personId" params={{ personId: person.person_id }} />
                    )}
                    fw={600}
                    c="inherit"
                  >
                    {person.name}
                  </Text>
                </Group>
              </Table.Td>
              <Table.Td className="tabular">{person.image_count}</Table.Td>
              <Table.Td>
                <Group gap={4}>
                  {person.packs.map((pack) => (
                    <Badge key={`${pack.name}@${pack.version}`} variant="default" tt="none" fw={500}>
                      {pack.name}@{pack.version}
                    </Badge>
                  ))}
                </Group>
              </Table.Td>
              <Table.Td>
                <Text size="sm" c="dimmed">
                  {format.dateTime(person.updated_at)}
                </Text>
              </Table.Td>
              <Table.Td ta="right">
                <PersonMenu person={person} />
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </div>
  );
}
