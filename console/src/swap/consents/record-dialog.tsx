import { Autocomplete, Button, Checkbox, Group, Modal, Stack, Textarea, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import type { Person } from "#/api/types";
import { fieldOf, momentOf } from "#/audit/filter";
import { PersonPicker } from "#/gallery/moves/person-picker";
import { ProblemAlert, toastDone } from "#/shell/problem";
import { type Evidence, EvidenceInput } from "#/swap/consents/evidence-input";
import { asPurpose, isPurpose } from "#/swap/consents/purpose";
import { useRecord, validConsentsQuery } from "#/swap/consents/queries";
import { KINDS } from "#/swap/types";

const MOST_CHARS = 200;
const MOST_NOTE_CHARS = 1000;

export function RecordDialog({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  const { t } = useTranslation();
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      size="lg"
      title={t("consents.record.title")}
      closeButtonProps={{ "aria-label": t("shell.close") }}
    >
      <RecordForm onClose={onClose} />
    </Modal>
  );
}

function RecordForm({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation();
  const known = useQuery(validConsentsQuery);
  const record = useRecord();
  const [person, setPerson] = useState<Person | null>(null);
  const [grantor, setGrantor] = useState("");
  const [purpose, setPurpose] = useState("");
  const [scopes, setScopes] = useState<string[]>([]);
  const [until, setUntil] = useState("");
  const [evidence, setEvidence] = useState<Evidence | null>(null);
  const [note, setNote] = useState("");
  const moment = momentOf(until);
  const isOver = moment !== null && new Date(moment) <= new Date();
  const isReady =
    person && grantor.trim() && isPurpose(purpose) && scopes.length > 0 && moment && !isOver && evidence;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!isReady) return;
    record.mutate(
      {
        person_id: person.person_id,
        grantor: grantor.trim(),
        purpose,
        scopes: KINDS.filter((kind) => scopes.includes(kind)),
        valid_until: moment,
        evidence_name: evidence.name.slice(-MOST_CHARS),
        evidence_sha256: evidence.sha256,
        note: note.trim(),
      },
      {
        onSuccess: () => {
          toastDone(t("consents.record.done", { name: person.name }));
          onClose();
        },
      },
    );
  };
  const choose = (chosen: Person | null) => {
    // Whoever consents mostly speaks for themselves.
    if (chosen && (grantor === "" || grantor === person?.name)) setGrantor(chosen.name);
    setPerson(chosen);
  };
  return (
    <form onSubmit={submit}>
      <Stack gap="sm">
        <PersonPicker label={t("consents.form.person")} except="" value={person} onChange={choose} />
        <TextInput
          label={t("consents.form.grantor")}
          description={t("consents.form.grantorText")}
          maxLength={MOST_CHARS}
          autoComplete="off"
          value={grantor}
          onChange={(event) => setGrantor(event.currentTarget.value)}
        />
        <Autocomplete
          label={t("consents.form.purpose")}
          description={t("consents.form.purposeText")}
          data={[...new Set(known.data?.map((consent) => consent.purpose))].sort()}
          value={purpose}
          onChange={(text) => setPurpose(asPurpose(text))}
          error={purpose !== "" && !isPurpose(purpose) && t("consents.form.purposeWrong")}
          spellCheck={false}
        />
        <Checkbox.Group label={t("consents.form.scopes")} value={scopes} onChange={setScopes}>
          <Group gap="lg" mt={6}>
            {KINDS.map((kind) => (
              <Checkbox key={kind} value={kind} label={t(`swap.kinds.${kind}`)} />
            ))}
          </Group>
        </Checkbox.Group>
        <TextInput
          type="datetime-local"
          label={t("consents.form.until")}
          min={fieldOf(new Date().toISOString())}
          value={until}
          onChange={(event) => setUntil(event.currentTarget.value)}
          error={isOver && t("consents.form.over")}
        />
        <EvidenceInput onChange={setEvidence} />
        <Textarea
          label={t("consents.form.note")}
          autosize
          minRows={1}
          maxLength={MOST_NOTE_CHARS}
          value={note}
          onChange={(event) => setNote(event.currentTarget.value)}
        />
        {record.error && <ProblemAlert error={record.error} />}
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            {t("shell.cancel")}
          </Button>
          <Button type="submit" loading={record.isPending} disabled={!isReady}>
            {t("consents.record.confirm")}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
