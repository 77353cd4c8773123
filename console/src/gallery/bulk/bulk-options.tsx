import { Checkbox, MultiSelect, Select, SimpleGrid, Stack } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { packsQuery } from "#/api/queries";
import type { Options } from "#/gallery/bulk/options";

const modes = ["off", "warn", "reject"] as const;

interface BulkOptionsProps {
  value: Options;
  onChange: (value: Options) => void;
}

export function BulkOptionsForm({ value, onChange }: BulkOptionsProps) {
  const { t } = useTranslation();
  const packs = useQuery(packsQuery);
  const ready = (packs.data ?? []).filter((pack) => pack.state === "ready");
  const change = (values: Partial<Options>) => onChange({ ...value, ...values });
  const modeChoices = [
    { value: "", label: t("bulk.options.server") },
    ...modes.map((mode) => ({ value: mode, label: t(`bulk.options.${mode}`) })),
  ];
  const modeOf = (chosen: string | null) => modes.find((mode) => mode === chosen) ?? null;
  return (
    <Stack>
      <SimpleGrid cols={{ base: 1, xs: 2, lg: 4 }} spacing="md">
        <Select
          label={t("bulk.options.existing")}
          data={[
            { value: "add", label: t("bulk.options.add") },
            { value: "skip", label: t("bulk.options.skip") },
          ]}
          value={value.onExisting}
          onChange={(chosen) => change({ onExisting: chosen === "skip" ? "skip" : "add" })}
          allowDeselect={false}
        />
        <Select
          label={t("bulk.options.faces")}
          data={[
            { value: "only", label: t("bulk.options.only") },
            { value: "largest", label: t("bulk.options.largest") },
          ]}
          value={value.faceSelection}
          onChange={(chosen) => change({ faceSelection: chosen === "largest" ? "largest" : "only" })}
          allowDeselect={false}
        />
        <Select
          label={t("bulk.options.quality")}
          data={modeChoices}
          value={value.quality ?? ""}
          onChange={(chosen) => change({ quality: modeOf(chosen) })}
          allowDeselect={false}
        />
        <Select
          label={t("bulk.options.conflicts")}
          data={modeChoices}
          value={value.conflicts ?? ""}
          onChange={(chosen) => change({ conflicts: modeOf(chosen) })}
          allowDeselect={false}
        />
      </SimpleGrid>
      {ready.length > 1 && (
        <MultiSelect
          label={t("bulk.options.packs")}
          placeholder={value.packs.length === 0 ? t("bulk.options.packsServer") : ""}
          data={ready.map((pack) => `${pack.name}@${pack.version}`)}
          value={value.packs}
          onChange={(chosen) => change({ packs: chosen })}
          clearable
          maw={520}
        />
      )}
      <Checkbox
        label={t("bulk.options.dryRun")}
        checked={value.dryRun}
        onChange={(event) => change({ dryRun: event.currentTarget.checked })}
      />
    </Stack>
  );
}
