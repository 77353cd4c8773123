import { FileInput, Progress, Text } from "@mantine/core";
import { FileLock } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { sha256Of } from "#/swap/consents/digest";

export interface Evidence {
  name: string;
  sha256: string;
}

/** A file that is hashed here and goes nowhere: its digest proves later which one was meant. */
export function EvidenceInput({ onChange }: { onChange: (evidence: Evidence | null) => void }) {
  const { t } = useTranslation();
  const [file, setFile] = useState<File | null>(null);
  const [share, setShare] = useState(0);
  const [digest, setDigest] = useState<string | null>(null);
  const [isUnreadable, setUnreadable] = useState(false);
  const reading = useRef<AbortController | null>(null);
  useEffect(() => () => reading.current?.abort(), []);
  const take = async (chosen: File | null) => {
    reading.current?.abort();
    const control = new AbortController();
    reading.current = control;
    setFile(chosen);
    setShare(0);
    setDigest(null);
    setUnreadable(false);
    onChange(null);
    if (!chosen) return;
    try {
      const sha256 = await sha256Of(chosen, setShare, control.signal);
      if (control.signal.aborted) return;
      setDigest(sha256);
      onChange({ name: chosen.name, sha256 });
    } catch {
      if (!control.signal.aborted) setUnreadable(true);
    }
  };
  return (
    <div>
      <FileInput
        label={t("consents.form.evidence")}
        description={t("consents.form.evidenceText")}
        placeholder={t("consents.form.evidenceChoose")}
        leftSection={<FileLock size={16} />}
        value={file}
        onChange={(chosen) => void take(chosen)}
        error={isUnreadable && t("consents.form.unreadable")}
        clearable
        clearButtonProps={{ "aria-label": t("consents.form.evidenceForget") }}
        fileInputProps={{ "aria-label": t("consents.form.evidence") }}
      />
      {file && digest === null && !isUnreadable && (
        <Progress mt={6} value={100 * share} aria-label={t("consents.form.hashing")} />
      )}
      {digest && (
        <Text size="xs" c="dimmed" mt={4} style={{ overflowWrap: "anywhere" }} data-testid="evidence-digest">
          SHA-256 <code>{digest}</code>
        </Text>
      )}
    </div>
  );
}
