import { Badge, Button, Group, Stack, Text, Title } from "@mantine/core";
import { useQueries } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Check } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Allowed } from "#/account/allowed";
import type { LookAlike } from "#/api/types";
import classes from "#/calibration/calibration.module.css";
import { useKeepApart } from "#/calibration/queries";
import { type PairedPerson, personsOf } from "#/calibration/rates";
import { personQuery } from "#/gallery/queries";
import { useFormat } from "#/i18n/format";
import { imageThumbnail } from "#/photo/addresses";
import { ServerImage } from "#/photo/server-image";
import { toastDone } from "#/shell/problem";

const SHOWN_AT_FIRST = 9;

/** Pairs of people whom a search can confuse, the closest first. */
export function LookAlikes({ pairs }: { pairs: LookAlike[] }) {
  const { t } = useTranslation();
  const [all, setAll] = useState(false);
  const shown = all ? pairs : pairs.slice(0, SHOWN_AT_FIRST);
  return (
    <Stack component="section" gap="xs" aria-label={t("calibration.lookAlikes.title")}>
      <Title order={2} size="h4">
        {t("calibration.lookAlikes.title")}
      </Title>
      <Text size="sm" c="dimmed">
        {t(pairs.length === 0 ? "calibration.lookAlikes.none" : "calibration.lookAlikes.text")}{" "}
        {pairs.length > 0 && (
          <Link to="/gallery-health" className={classes.name}>
            {t("calibration.lookAlikes.merge")}
          </Link>
        )}
      </Text>
      <ul className={classes.pairs}>
        {shown.map((pair) => (
          <Pair key={pair.person_ids.join(" ")} pair={pair} />
        ))}
      </ul>
      {shown.length < pairs.length && (
        <Button variant="default" style={{ alignSelf: "center" }} onClick={() => setAll(true)}>
          {t("calibration.lookAlikes.showAll", { count: pairs.length })}
        </Button>
      )}
    </Stack>
  );
}

function Pair({ pair }: { pair: LookAlike }) {
  const { t } = useTranslation();
  const format = useFormat();
  return (
    <li className={`surface ${classes.pair}`} data-testid="look-alike">
      <div className={classes.faces}>
        {personsOf(pair).map((person) => (
          <Face key={person.personId} {...person} />
        ))}
      </div>
      <Group justify="space-between" gap="xs">
        <Group gap={8}>
          <Text fw={600} size="sm" className="tabular">
            {format.figure(pair.score)}
          </Text>
          <Badge variant="light" color={pair.is_match ? "cinnabar" : "ochre"}>
            {t(pair.is_match ? "calibration.lookAlikes.match" : "calibration.lookAlikes.near")}
          </Badge>
        </Group>
        <Allowed scope="gallery:enrol">
          <KeepApart pair={pair} />
        </Allowed>
      </Group>
    </li>
  );
}

function Face({ personId, imageId, name }: PairedPerson) {
  return (
    <figure className={classes.person}>
      <ServerImage src={imageThumbnail(personId, imageId)} alt={name} className={classes.photo ?? ""} />
      <figcaption className="truncate" title={name}>
        <Link to="/gallery/$personId" params={{ personId }} className={classes.name}>
          {name}
        </Link>
      </figcaption>
    </figure>
  );
}

/** As the two persons are now, not as they were when it was calibrated. */
function KeepApart({ pair }: { pair: LookAlike }) {
  const { t } = useTranslation();
  const format = useFormat();
  const persons = useQueries({ queries: pair.person_ids.map((personId) => personQuery(personId)) });
  const separate = useKeepApart(pair);
  if (persons.some((person) => person.error)) {
    return (
      <Text size="sm" c="dimmed">
        {t("calibration.lookAlikes.gone")}
      </Text>
    );
  }
  const isApart = persons.every(({ data }) => (data?.person.threshold ?? 0) >= pair.suggested_threshold);
  if (isApart) {
    return (
      <Badge variant="light" color="jade" leftSection={<Check size={12} />}>
        {t("calibration.lookAlikes.separated")}
      </Badge>
    );
  }
  return (
    <Button
      size="xs"
      variant="default"
      loading={separate.isPending}
      disabled={persons.some((person) => !person.data)}
      onClick={() =>
        separate.mutate(undefined, {
          onSuccess: () =>
            toastDone(t("calibration.lookAlikes.done", { first: pair.names[0], second: pair.names[1] })),
        })
      }
    >
      {t("calibration.lookAlikes.separate", { value: format.figure(pair.suggested_threshold) })}
    </Button>
  );
}
