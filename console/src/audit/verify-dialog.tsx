import {
  ActionIcon,
  Alert,
  Button,
  Code,
  CopyButton,
  Group,
  Modal,
  Stack,
  Text,
  TextInput,
  Tooltip,
} from "@mantine/core";
import { Check, Copy, ShieldAlert, ShieldCheck } from "lucide-react";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import type { AuditVerdict } from "#/api/types";
import classes from "#/audit/audit.module.css";
import { useVerify } from "#/audit/queries";
import { useFormat } from "#/i18n/format";
import { ProblemAlert } from "#/shell/problem";

const COMMAND = "lianpu audit verify";
const HASH = /^[0-9a-f]{64}$/;

/** Asks the server to prove the whole log, if wanted up to a hash that was noted down before. */
export function VerifyDialog({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  const { t } = useTranslation();
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      size="lg"
      title={t("audit.verify.title")}
      closeButtonProps={{ "aria-label": t("shell.close") }}
    >
      <VerifyForm />
    </Modal>
  );
}

function VerifyForm() {
  const { t } = useTranslation();
  const [expected, setExpected] = useState("");
  const verify = useVerify();
  const isReadable = expected === "" || HASH.test(expected);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    verify.mutate(expected);
  };
  return (
    <form onSubmit={submit}>
      <Stack>
        <Text size="sm">{t("audit.verify.text")}</Text>
        <TextInput
          label={t("audit.verify.expected")}
          description={t("audit.verify.expectedText")}
          error={!isReadable && t("audit.verify.noHash")}
          autoComplete="off"
          spellCheck={false}
          value={expected}
          onChange={(event) => setExpected(event.currentTarget.value.trim().toLowerCase())}
          classNames={{ input: classes.code ?? "" }}
        />
        {verify.error && <ProblemAlert error={verify.error} />}
        {verify.data && !verify.isPending && <Verdict verdict={verify.data} />}
        <Group justify="space-between">
          <Text size="xs" c="dimmed">
            {t("audit.verify.command")} <Code>{COMMAND}</Code>
          </Text>
          <Button
            type="submit"
            leftSection={<ShieldCheck size={18} />}
            loading={verify.isPending}
            disabled={!isReadable}
            data-autofocus
          >
            {t("audit.verify.submit")}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

function Verdict({ verdict }: { verdict: AuditVerdict }) {
  const { t } = useTranslation();
  const format = useFormat();
  const { problem, first_broken: broken } = verdict;
  const proved = { count: verdict.events, events: format.number(verdict.events) };
  return (
    <Alert
      color={verdict.ok ? "jade" : "cinnabar"}
      icon={verdict.ok ? <ShieldCheck size={20} /> : <ShieldAlert size={20} />}
      title={t(verdict.ok ? "audit.verify.whole" : "audit.verify.broken")}
      role={verdict.ok ? "status" : "alert"}
      data-testid="verdict"
    >
      <Stack gap="xs">
        {problem && (
          <Text size="sm">
            {broken !== null && <b>{t("audit.verify.at", { number: broken })} </b>}
            {t(`audit.verify.problems.${problem}`)}
          </Text>
        )}
        <Text size="sm">{t(verdict.ok ? "audit.verify.proved" : "audit.verify.provedBefore", proved)}</Text>
        {verdict.ok && (
          <div>
            <Text size="sm">{t("audit.verify.note")}</Text>
            <Group gap={4} wrap="nowrap">
              <span className={classes.code} data-testid="head">
                {verdict.head_hash}
              </span>
              <CopyHash hash={verdict.head_hash} />
            </Group>
          </div>
        )}
      </Stack>
    </Alert>
  );
}

function CopyHash({ hash }: { hash: string }) {
  const { t } = useTranslation();
  return (
    <CopyButton value={hash}>
      {({ copied, copy }) => (
        <Tooltip label={t("audit.verify.copy")}>
          <ActionIcon size="sm" color="gray" aria-label={t("audit.verify.copy")} onClick={copy}>
            {copied ? <Check size={14} /> : <Copy size={14} />}
          </ActionIcon>
        </Tooltip>
      )}
    </CopyButton>
  );
}
