import { Checkbox, Group, NumberInput, SegmentedControl, Select, Slider, Stack, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { packsQuery } from "#/api/queries";
import { useFormat } from "#/i18n/format";
import type { SearchOptions } from "#/search/queries";

const FIRST_THRESHOLD = 0.7;
const MOST_MATCHES = 20;

interface OptionsProps {
  value: SearchOptions;
  onChange: (value: SearchOptions) => void;
}

export function Options({ value, onChange }: OptionsProps) {
  const { t } = useTranslation();
  const packs = useQuery(packsQuery);
  const ready = (packs.data ?? []).filter((pack) => pack.state === "ready");
  const recommended = ready.find((pack) =>
    value.pack ? pack.name === value.pack : pack.is_default,
  )?.threshold;
  const change = (values: Partial<SearchOptions>) => onChange({ ...value, ...values });
  return (
    <Group
      className="surface"
      p="md"
      gap="xl"
      align="flex-end"
      role="group"
      aria-label={t("search.options.label")}
    >
      <Select
        label={t("search.options.pack")}
        data={[
          { value: "", label: t("search.options.packDefault") },
          ...ready.map((pack) => ({ value: pack.name, label: `${pack.name}@${pack.version}` })),
        ]}
        value={value.pack ?? ""}
        onChange={(pack) => change({ pack: pack || null })}
        allowDeselect={false}
        w={190}
      />
      <NumberInput
        label={t("search.options.topK")}
        value={value.topK}
        onChange={(topK) => typeof topK === "number" && change({ topK })}
        min={1}
        max={MOST_MATCHES}
        clampBehavior="strict"
        w={140}
      />
      <Stack gap={5}>
        <Text size="sm" fw={500}>
          {t("search.options.which")}
        </Text>
        <SegmentedControl
          aria-label={t("search.options.which")}
          data={[
            { value: "all", label: t("search.options.all") },
            { value: "largest", label: t("search.options.largest") },
          ]}
          value={value.faces}
          onChange={(faces) => change({ faces: faces === "largest" ? "largest" : "all" })}
        />
      </Stack>
      <Stack gap={8} w={230}>
        <Checkbox
          label={t("search.options.ownThreshold")}
          checked={value.threshold !== null}
          onChange={(event) =>
            change({ threshold: event.currentTarget.checked ? round(recommended ?? FIRST_THRESHOLD) : null })
          }
        />
        <ThresholdSlider
          key={value.threshold === null ? "off" : "on"}
          value={value.threshold ?? recommended ?? FIRST_THRESHOLD}
          disabled={value.threshold === null}
          onChange={(threshold) => change({ threshold })}
        />
      </Stack>
    </Group>
  );
}

function ThresholdSlider({
  value,
  disabled,
  onChange,
}: {
  value: number;
  disabled: boolean;
  onChange: (value: number) => void;
}) {
  const { t } = useTranslation();
  const format = useFormat();
  return (
    <Slider
      defaultValue={value}
      disabled={disabled}
      onChangeEnd={onChange}
      min={0}
      max={1}
      step={0.01}
      label={(shown) => format.figure(shown, 2)}
      thumbLabel={t("search.threshold")}
      marks={[{ value: round(value), label: format.figure(value, 2) }]}
      mb="md"
      size="sm"
    />
  );
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
