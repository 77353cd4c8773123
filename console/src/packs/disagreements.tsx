import { Button, Stack, Table, Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { Shadow } from "#/api/types";
import { personQuery } from "#/gallery/queries";
import { useFormat } from "#/i18n/format";
import { labelOf } from "#/packs/labels";
import classes from "#/packs/packs.module.css";
import { personThumbnail } from "#/photo/addresses";
import { ServerImage } from "#/photo/server-image";

const SHOWN_AT_FIRST = 8;

type Verdict = Shadow["disagreements"][number]["active"];

/** Faces about which the packs differ, the newest first. */
export function Disagreements({ shadow }: { shadow: Shadow }) {
  const { t } = useTranslation();
  const format = useFormat();
  const [all, setAll] = useState(false);
  const { disagreements } = shadow;
  const shown = all ? disagreements : disagreements.slice(0, SHOWN_AT_FIRST);
  const pack = labelOf({ name: shadow.pack, version: shadow.pack_version });
  return (
    <Stack gap="xs">
      <Title order={3} size="h5">
        {t("packs.shadow.disagreements")}
      </Title>
      <Table.ScrollContainer minWidth={620}>
        <Table verticalSpacing={6}>
          <Table.Thead>
            <Table.Tr>
              <Table.Th>{t("packs.shadow.outcome")}</Table.Th>
              <Table.Th>{shadow.active_pack}</Table.Th>
              <Table.Th>{pack}</Table.Th>
              <Table.Th>{t("packs.shadow.time")}</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {shown.map((item, index) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: faces of one photo share their time, and have no id.
              <Table.Tr key={`${item.time} ${index}`} data-testid="disagreement">
                <Table.Td>
                  {t(`packs.shadow.outcomes.${item.outcome}`, { active: shadow.active_pack, pack })}
                </Table.Td>
                <Table.Td>
                  <VerdictCell verdict={item.active} />
                </Table.Td>
                <Table.Td>
                  <VerdictCell verdict={item.candidate} />
                </Table.Td>
                <Table.Td>{format.dateTime(item.time)}</Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
      {shown.length < disagreements.length && (
        <Button size="xs" variant="default" style={{ alignSelf: "center" }} onClick={() => setAll(true)}>
          {t("packs.shadow.showAll", { count: disagreements.length })}
        </Button>
      )}
    </Stack>
  );
}

function VerdictCell({ verdict }: { verdict: Verdict | null }) {
  const { t } = useTranslation();
  const format = useFormat();
  if (!verdict) return <Text size="sm">{t("packs.shadow.noFace")}</Text>;
  const score = verdict.score === null ? "" : format.figure(verdict.score);
  return (
    <div className={classes.verdict}>
      {verdict.person_id !== null && (
        <ServerImage src={personThumbnail(verdict.person_id)} alt="" className={classes.face ?? ""} />
      )}
      <div style={{ minWidth: 0 }}>
        {verdict.person_id === null ? (
          <Text size="sm">{t("packs.shadow.unknown")}</Text>
        ) : (
          <Name personId={verdict.person_id} />
        )}
        <Text size="xs" c="dimmed" className="tabular">
          {score}
        </Text>
      </div>
    </div>
  );
}

function Name({ personId }: { personId: string }) {
  const { t } = useTranslation();
  const person = useQuery(personQuery(personId));
  if (person.error) return <Text size="sm">{t("packs.shadow.gone")}</Text>;
  return (
    <Text
      size="sm"
      c="inherit"
      td="underline"
      renderRoot={(props) => <Link {...props} to="/gallery/$personId" params={{ personId }} />}
    >
      {person.data?.person.name ?? "…"}
    </Text>
  );
}
