import { Anchor, Group, Select, Skeleton, Stack, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { useFormat } from "#/i18n/format";
import { ProblemAlert } from "#/shell/problem";
import { validConsentsQuery } from "#/swap/consents/queries";
import { ScopeBadges } from "#/swap/consents/scope-badges";
import { SubjectFace } from "#/swap/consents/subject-face";
import classes from "#/swap/swap.module.css";
import type { Consent, SwapKind } from "#/swap/types";

interface ConsentChoiceProps {
  /** What the face is to be put onto; null: not known yet. */
  kind: SwapKind | null;
  value: Consent | null;
  onChange: (consent: Consent | null) => void;
}

/** Whose face, by which consent: those that permit something now. */
export function ConsentChoice({ kind, value, onChange }: ConsentChoiceProps) {
  const { t } = useTranslation();
  const consents = useQuery(validConsentsQuery);
  if (consents.isPending) return <Skeleton height={60} />;
  if (!consents.data) return <ProblemAlert error={consents.error} onRetry={() => void consents.refetch()} />;
  if (consents.data.length === 0) {
    return (
      <Text size="sm" data-testid="no-consent">
        {t("swap.consent.none")}{" "}
        <Anchor component={Link} to="/consents" inherit underline="always">
          {t("shell.pages.consents")}
        </Anchor>
      </Text>
    );
  }
  const byId = new Map(consents.data.map((consent) => [consent.consent_id, consent]));
  const misfit = value !== null && kind !== null && !value.scopes.includes(kind);
  return (
    <Stack gap="sm">
      <Select
        aria-label={t("swap.consent.label")}
        placeholder={t("swap.consent.placeholder")}
        data={consents.data.map((consent) => ({
          value: consent.consent_id,
          label: `${consent.subject_name} · ${consent.purpose}`,
        }))}
        value={value?.consent_id ?? null}
        onChange={(id) => onChange((id && byId.get(id)) || null)}
        searchable
        allowDeselect={false}
        nothingFoundMessage={t("swap.consent.noneFound")}
        renderOption={({ option }) => {
          const consent = byId.get(option.value);
          return consent ? <Choice consent={consent} /> : option.label;
        }}
        maxDropdownHeight={320}
      />
      {value && <Chosen consent={value} />}
      {misfit && (
        <Text size="sm" c="var(--mantine-color-error)" role="alert">
          {t("swap.consent.misfit", { kind: t(`swap.kinds.${kind}`) })}
        </Text>
      )}
    </Stack>
  );
}

function Choice({ consent }: { consent: Consent }) {
  return (
    <Group gap="sm" wrap="nowrap" miw={0} flex={1}>
      <SubjectFace consent={consent} className={classes.small ?? ""} />
      <Stack gap={0} miw={0} flex={1}>
        <Text size="sm" fw={600} className="truncate">
          {consent.subject_name}
        </Text>
        <Text size="xs" c="dimmed" className="truncate">
          {consent.purpose}
        </Text>
      </Stack>
      <ScopeBadges scopes={consent.scopes} />
    </Group>
  );
}

function Chosen({ consent }: { consent: Consent }) {
  const { t } = useTranslation();
  const format = useFormat();
  return (
    <div className={classes.chosen} data-testid="chosen-consent">
      <SubjectFace consent={consent} className={classes.face ?? ""} />
      <Stack gap={4} miw={0}>
        <Text fw={600} style={{ overflowWrap: "anywhere" }}>
          {consent.subject_name}
        </Text>
        <ScopeBadges scopes={consent.scopes} />
        <Text size="sm" c="dimmed">
          {t("consents.until", { moment: format.dateTime(consent.valid_until) })}
        </Text>
        <Text size="sm" c="dimmed" style={{ overflowWrap: "anywhere" }}>
          {t("swap.consent.grantedBy", { name: consent.grantor })}
        </Text>
      </Stack>
    </div>
  );
}
