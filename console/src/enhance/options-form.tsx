import { Checkbox, Input, SegmentedControl, Select, SimpleGrid, Slider, Stack } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { EngineSelect } from "#/enhance/engine-select";
import {
  formats,
  type Level,
  levels,
  NO_RESTORER,
  NO_UPSCALER,
  type Options,
  restorerOf,
  SCALES,
} from "#/enhance/options";
import type { Engines } from "#/enhance/types";

interface OptionsFormProps {
  value: Options;
  onChange: (value: Options) => void;
  engines: Engines;
}

export function OptionsForm({ value, onChange, engines }: OptionsFormProps) {
  const { t } = useTranslation();
  const change = (values: Partial<Options>) => onChange({ ...value, ...values });
  return (
    <Stack gap="md">
      <Input.Wrapper label={t("enhance.options.level")} labelElement="div">
        <SegmentedControl
          fullWidth
          aria-label={t("enhance.options.level")}
          data={levels.map((level) => ({ value: String(level), label: `×${SCALES[level]}` }))}
          value={String(value.level)}
          onChange={(chosen) => change({ level: Number(chosen) as Level })}
        />
        <Input.Description mt={4}>{t(`enhance.options.levels.x${SCALES[value.level]}`)}</Input.Description>
      </Input.Wrapper>
      <EngineSelect
        label={t("enhance.options.restorer")}
        engines={engines.restorers}
        none={{ name: NO_RESTORER, title: t("enhance.options.noRestorer") }}
        value={value.restorer}
        onChange={(restorer) => change({ restorer })}
      />
      {restorerOf(value, engines)?.has_fidelity && (
        <Input.Wrapper
          label={t("enhance.options.fidelity")}
          description={t("enhance.options.fidelityText")}
          labelElement="div"
        >
          <Slider
            mt={6}
            mb="lg"
            min={0}
            max={1}
            step={0.05}
            value={value.fidelity}
            onChange={(fidelity) => change({ fidelity })}
            thumbLabel={t("enhance.options.fidelity")}
            marks={[
              { value: 0, label: t("enhance.options.clearer") },
              { value: 1, label: t("enhance.options.closer") },
            ]}
            className="tabular"
          />
        </Input.Wrapper>
      )}
      <EngineSelect
        label={t("enhance.options.upscaler")}
        engines={engines.upscalers}
        none={{ name: NO_UPSCALER, title: t("enhance.options.noUpscaler") }}
        value={value.upscaler}
        onChange={(upscaler) => change({ upscaler })}
      />
      <Checkbox
        label={t("enhance.options.identity")}
        description={t("enhance.options.identityText")}
        checked={value.preserveIdentity}
        onChange={(event) => change({ preserveIdentity: event.currentTarget.checked })}
      />
      <SimpleGrid cols={{ base: 1, xs: 2 }} spacing="md" verticalSpacing="sm">
        <Select
          label={t("enhance.options.format")}
          data={formats.map((format) => ({ value: format, label: t(`enhance.options.formats.${format}`) }))}
          value={value.outputFormat}
          onChange={(chosen) =>
            change({ outputFormat: formats.find((format) => format === chosen) ?? "same" })
          }
          allowDeselect={false}
        />
        <Checkbox
          mt={{ base: 0, xs: 31 }}
          label={t("enhance.options.gps")}
          checked={value.keepGps}
          onChange={(event) => change({ keepGps: event.currentTarget.checked })}
        />
      </SimpleGrid>
    </Stack>
  );
}
