import { ActionIcon, Code, CopyButton, Tooltip } from "@mantine/core";
import { Check, Copy } from "lucide-react";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { useFormat } from "#/i18n/format";
import classes from "#/swap/consents/consents.module.css";
import type { Consent } from "#/swap/types";

/** All that is on record about a consent. */
export function ConsentFacts({ consent }: { consent: Consent }) {
  const { t } = useTranslation();
  const format = useFormat();
  return (
    <dl className={classes.facts}>
      <Fact name={t("consents.facts.grantor")}>{consent.grantor}</Fact>
      <Fact name={t("consents.facts.evidence")}>
        {consent.evidence_name}
        <CopyButton value={consent.evidence_sha256}>
          {({ copied, copy }) => (
            <Tooltip label={t("consents.facts.copy")}>
              <ActionIcon size="sm" color="gray" aria-label={t("consents.facts.copy")} onClick={copy}>
                {copied ? <Check size={13} /> : <Copy size={13} />}
              </ActionIcon>
            </Tooltip>
          )}
        </CopyButton>
        <Code block className={classes.digest ?? ""}>
          {consent.evidence_sha256}
        </Code>
      </Fact>
      {consent.note && <Fact name={t("consents.facts.note")}>{consent.note}</Fact>}
      <Fact name={t("consents.facts.recorded")}>{format.dateTime(consent.created_at)}</Fact>
      {consent.last_used_at && (
        <Fact name={t("consents.facts.used")}>{format.dateTime(consent.last_used_at)}</Fact>
      )}
      {consent.revoked_at && (
        <Fact name={t("consents.facts.revoked")}>{format.dateTime(consent.revoked_at)}</Fact>
      )}
      {consent.revocation_reason && (
        <Fact name={t("consents.facts.reason")}>{consent.revocation_reason}</Fact>
      )}
    </dl>
  );
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </>
  );
}
