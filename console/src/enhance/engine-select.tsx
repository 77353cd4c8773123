import { Badge, Group, Select, Stack, Text } from "@mantine/core";
import { useTranslation } from "react-i18next";
import type { Engine } from "#/enhance/types";
import { useFormat } from "#/i18n/format";

interface EngineSelectProps {
  label: string;
  engines: Engine[];
  /** What stands for none of them. */
  none: { name: string; title: string };
  /** Null: the best at hand. */
  value: string | null;
  onChange: (value: string | null) => void;
}

const BEST = "";

/** One of the engines, each with its licence and whether it allows commercial use. */
export function EngineSelect({ label, engines, none, value, onChange }: EngineSelectProps) {
  const { t } = useTranslation();
  const named = engines.filter((engine) => engine.name !== none.name);
  const shown = named.find((engine) => engine.name === value);
  const [best] = named;
  return (
    <Stack gap={4}>
      <Select
        label={label}
        data={[
          { value: BEST, label: best ? t("enhance.options.best") : t("enhance.options.noneAtHand") },
          ...named.map((engine) => ({ value: engine.name, label: engine.name })),
          { value: none.name, label: none.title },
        ]}
        value={value ?? BEST}
        onChange={(chosen) => onChange(chosen || null)}
        allowDeselect={false}
        maxDropdownHeight={320}
        comboboxProps={{ withinPortal: true }}
        renderOption={({ option }) => {
          const engine = named.find((one) => one.name === option.value);
          return (
            <Stack gap={0} flex={1}>
              <Text size="sm">{option.label}</Text>
              {engine && <Licence engine={engine} />}
            </Stack>
          );
        }}
      />
      {shown && <Licence engine={shown} />}
    </Stack>
  );
}

function Licence({ engine }: { engine: Engine }) {
  const { t } = useTranslation();
  const format = useFormat();
  const speed = engine.seconds_per_megapixel;
  const per = engine.kind === "restorer" ? "enhance.options.perFace" : "enhance.options.perMegapixel";
  return (
    <Group gap={6}>
      <Text size="xs" c="dimmed">
        {t("enhance.options.licence", { licence: engine.licence })}
        {speed !== null && ` · ${t(per, { time: format.seconds(speed) })}`}
      </Text>
      {!engine.commercial && (
        <Badge size="sm" variant="light" color="ochre">
          {t("enhance.options.nonCommercial")}
        </Badge>
      )}
    </Group>
  );
}
