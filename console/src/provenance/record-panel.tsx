import { Code, Title } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { useFormat } from "#/i18n/format";
import classes from "#/provenance/provenance.module.css";
import type { ProvenanceRecord } from "#/provenance/report";

/** What the operator's own records say about a file, for those who may read them. */
export function RecordPanel({ record }: { record: ProvenanceRecord }) {
  const { t } = useTranslation();
  const format = useFormat();
  const kind = t(`provenance.record.kinds.${record.kind}` as "provenance.record.kinds.swap", {
    defaultValue: record.kind,
  });
  return (
    <section className={`surface ${classes.panel}`} aria-labelledby="record" data-testid="record">
      <Title order={2} size="h5" mb="sm" id="record">
        {t("provenance.record.title")}
      </Title>
      <dl className={classes.facts}>
        <Fact name={t("provenance.record.what")}>
          {/* A live stream is no file that could be known again by its digest. */}
          {record.sha256 ? kind : t("provenance.record.live", { kind })}
        </Fact>
        <Fact name={t("provenance.record.made")}>{format.moment(record.created_at)}</Fact>
        <Fact name={t("provenance.record.engine")}>{record.engine}</Fact>
        <Fact name={t("provenance.record.job")}>
          <Code>{record.job_id}</Code>{" "}
          <Link to="/audit" search={{ target: record.job_id }} className={classes.link}>
            {t("provenance.record.audit")}
          </Link>
        </Fact>
        {record.consent_id && (
          <Fact name={t("provenance.record.consent")}>
            <Code>{record.consent_id}</Code>
          </Fact>
        )}
        {record.owner_id && (
          <Fact name={t("provenance.record.owner")}>
            <Code>{record.owner_id}</Code>
          </Fact>
        )}
      </dl>
    </section>
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
