import { Alert, Stack, Text, Title } from "@mantine/core";
import { CircleHelp, type LucideIcon, ShieldCheck, ShieldQuestionMark, TriangleAlert } from "lucide-react";
import { useTranslation } from "react-i18next";
import { LabelTable } from "#/provenance/label-table";
import classes from "#/provenance/provenance.module.css";
import { RecordPanel } from "#/provenance/record-panel";
import { isOwn, type ProvenanceReport, recordOf, sourceOf } from "#/provenance/report";

const LOOKS: Record<ProvenanceReport["conclusion"], { color: string; icon: LucideIcon }> = {
  intact: { color: "jade", icon: ShieldCheck },
  signed: { color: "ochre", icon: ShieldQuestionMark },
  altered: { color: "ochre", icon: TriangleAlert },
  unlabelled: { color: "gray", icon: CircleHelp },
};

/** What the labels of a file say, in words: first the conclusion, then one by one. */
export function ReportView({ report }: { report: ProvenanceReport }) {
  const { t } = useTranslation();
  const { color, icon: Icon } = LOOKS[report.conclusion];
  const source = sourceOf(report);
  const record = recordOf(report);
  return (
    <Stack gap="md">
      <Alert
        color={color}
        icon={<Icon size={22} />}
        title={t(`provenance.conclusions.${report.conclusion}.title`)}
        role="status"
        data-testid="conclusion"
        data-conclusion={report.conclusion}
      >
        <Text size="sm">{t(`provenance.conclusions.${report.conclusion}.text`)}</Text>
        {source && (
          <Text size="sm" mt={4}>
            {t(`provenance.sources.${source}`)}
          </Text>
        )}
        {report.marks.length > 0 && (
          <Text size="sm" mt={4} data-testid="made-here" data-own={isOwn(report)}>
            {t(isOwn(report) ? "provenance.own" : "provenance.foreign")}
          </Text>
        )}
      </Alert>
      {record && <RecordPanel record={record} />}
      <section className={`surface ${classes.panel}`} aria-labelledby="labels">
        <Title order={2} size="h5" mb="sm" id="labels">
          {t("provenance.labels")}
        </Title>
        <LabelTable report={report} />
      </section>
    </Stack>
  );
}
