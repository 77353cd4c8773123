import { Group, Select, Stack, Text } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { keepPreviousData, useInfiniteQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { Person } from "#/api/types";
import classes from "#/gallery/gallery.module.css";
import { personsQuery } from "#/gallery/queries";
import { thumbnailOf } from "#/photo/addresses";
import { ServerImage } from "#/photo/server-image";

const DELAY_MS = 200;
const SHOWN = 20;

interface PersonPickerProps {
  label: string;
  /** Who cannot be chosen. */
  except: string;
  value: Person | null;
  onChange: (person: Person | null) => void;
}

/** Chooses somebody enrolled, by name and face. */
export function PersonPicker({ label, except, value, onChange }: PersonPickerProps) {
  const { t } = useTranslation();
  const [text, setText] = useState("");
  // What stands in the field once somebody is chosen is no search.
  const [name] = useDebouncedValue(text === value?.name ? "" : text.trim(), DELAY_MS);
  const list = useInfiniteQuery({ ...personsQuery(name), placeholderData: keepPreviousData });
  const found = (list.data?.pages.flatMap((page) => page.persons) ?? []).filter(
    (person) => person.person_id !== except,
  );
  const offered = new Map(found.slice(0, SHOWN).map((person) => [person.person_id, person]));
  if (value) offered.set(value.person_id, value);
  return (
    <Select
      label={label}
      placeholder={t("moves.picker.placeholder")}
      data={[...offered.values()].map((person) => ({ value: person.person_id, label: person.name }))}
      value={value?.person_id ?? null}
      onChange={(id) => onChange((id && offered.get(id)) || null)}
      searchable
      searchValue={text}
      onSearchChange={setText}
      // The server has filtered already, over the whole gallery.
      filter={({ options }) => options}
      nothingFoundMessage={list.isFetching ? undefined : t("moves.picker.none")}
      renderOption={({ option }) => {
        const person = offered.get(option.value);
        return person ? <Choice person={person} /> : option.label;
      }}
      maxDropdownHeight={280}
      data-autofocus
    />
  );
}

function Choice({ person }: { person: Person }) {
  const { t } = useTranslation();
  return (
    <Group gap="sm" wrap="nowrap" miw={0}>
      <ServerImage src={thumbnailOf(person)} alt="" className={classes.small ?? ""} />
      <Stack gap={0} miw={0}>
        <Text size="sm" fw={600} className="truncate">
          {person.name}
        </Text>
        <Text size="xs" c="dimmed" className="truncate">
          {t("gallery.images", { count: person.image_count })} · {person.person_id}
        </Text>
      </Stack>
    </Group>
  );
}
