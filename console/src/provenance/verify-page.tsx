import { Button, Group, Loader, Stack, Text } from "@mantine/core";
import { RotateCcw } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useFormat } from "#/i18n/format";
import { mediaKind } from "#/media/kind";
import { MediaInput } from "#/media/media-input";
import { MediaView } from "#/media/media-view";
import { UploadProgress } from "#/media/upload-progress";
import { useUpload } from "#/media/use-upload";
import classes from "#/provenance/provenance.module.css";
import type { ProvenanceReport } from "#/provenance/report";
import { ReportView } from "#/provenance/report-view";
import { PageHeader } from "#/shell/page-header";
import { ProblemAlert } from "#/shell/problem";

/** A photo or video from anywhere: which labels it carries, and what they say. */
export function VerifyPage() {
  const { t } = useTranslation();
  const format = useFormat();
  const [file, setFile] = useState<File | null>(null);
  const verify = useUpload<ProvenanceReport>();
  const take = (chosen: File) => {
    setFile(chosen);
    const form = new FormData();
    form.append("file", chosen, chosen.name);
    verify.mutate({ path: "/api/v1/provenance/verify", form });
  };
  const forget = () => {
    verify.stop();
    verify.reset();
    setFile(null);
  };
  return (
    <>
      <PageHeader title={t("provenance.title")} intro={t("provenance.intro")} />
      {file === null ? (
        <MediaInput onFile={take} hint={t("provenance.hint")} minHeight={300} />
      ) : (
        <div className={classes.layout}>
          <Stack gap="sm" className={`surface ${classes.panel}`}>
            <MediaView
              source={file}
              kind={mediaKind(file) ?? "photo"}
              label={t("provenance.file", { name: file.name })}
            />
            <Group justify="space-between" gap="xs" wrap="nowrap">
              <Text size="sm" c="dimmed" className="truncate">
                {file.name} · {format.bytes(file.size)}
              </Text>
              <Button
                size="xs"
                variant="default"
                flex="none"
                leftSection={<RotateCcw size={14} />}
                onClick={forget}
              >
                {t("media.another")}
              </Button>
            </Group>
            {verify.isPending && verify.sent && verify.sent.sentBytes < verify.sent.totalBytes && (
              <UploadProgress sent={verify.sent} onStop={forget} />
            )}
          </Stack>
          <div>
            {verify.isPending && (
              <Group gap="sm" role="status">
                <Loader size="sm" />
                <Text>{t("provenance.reading")}</Text>
              </Group>
            )}
            {verify.error && <ProblemAlert error={verify.error} onRetry={() => take(file)} />}
            {verify.data && <ReportView report={verify.data} />}
          </div>
        </div>
      )}
    </>
  );
}
