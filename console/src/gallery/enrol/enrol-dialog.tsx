import { Button, Group, Modal, SegmentedControl, Stack, Text, TextInput } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import classes from "#/gallery/enrol/enrol.module.css";
import { EnrolRow } from "#/gallery/enrol/enrol-row";
import type { Entry, Grouping } from "#/gallery/enrol/enrolment";
import { type KnownPerson, useEnrolment } from "#/gallery/enrol/use-enrolment";
import { PhotoInput } from "#/photo/photo-input";

export interface EnrolStart {
  files: File[];
  faceIndex?: number;
}

interface EnrolDialogProps {
  /** What the dialog opens with; null while it is closed. */
  start: EnrolStart | null;
  onClose: () => void;
  /** Whose photos these are, when that is settled. */
  person?: KnownPerson;
}

export function EnrolDialog({ start, onClose, person }: EnrolDialogProps) {
  const { t } = useTranslation();
  // A click beside the dialog must not lose what has been gathered in it.
  return (
    <Modal
      opened={start !== null}
      onClose={onClose}
      size="xl"
      title={person ? t("enrol.titleAdd", { name: person.name }) : t("enrol.title")}
      closeOnClickOutside={false}
      closeButtonProps={{ "aria-label": t("shell.close") }}
    >
      {start && <EnrolForm start={start} onClose={onClose} person={person} />}
    </Modal>
  );
}

function EnrolForm({
  start,
  onClose,
  person,
}: {
  start: EnrolStart;
  onClose: () => void;
  person: KnownPerson | undefined;
}) {
  const { t } = useTranslation();
  const enrolment = useEnrolment(person);
  const { entries, grouping, name, running } = enrolment;
  const [asked, setAsked] = useState(false);
  const nameInput = useRef<HTMLInputElement>(null);
  useStart(start, enrolment.add);
  const named = !person && grouping === "named";
  const open = entries.filter((entry) => entry.outcome.kind === "waiting" || entry.outcome.kind === "failed");
  const fresh = open.filter((entry) => entry.outcome.kind === "waiting");
  const wanted = fresh.length > 0 ? fresh : open;
  const nameMissing = !person && wanted.some((entry) => !enrolment.nameFor(entry).trim());
  const submit = () => {
    setAsked(true);
    if (nameMissing) nameInput.current?.focus();
    else void enrolment.run(wanted);
  };
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
    >
      <Stack>
        {!person && entries.length > 1 && (
          <Stack gap={4}>
            <SegmentedControl
              aria-label={t("enrol.grouping.label")}
              data={[
                { value: "one", label: t("enrol.grouping.one") },
                { value: "named", label: t("enrol.grouping.named") },
              ]}
              value={grouping}
              onChange={(value) => enrolment.setGrouping(value as Grouping)}
              disabled={running}
            />
            {named && (
              <Text size="xs" c="dimmed">
                {t("enrol.groupingHint")}
              </Text>
            )}
          </Stack>
        )}
        {!person && !named && (
          <TextInput
            ref={nameInput}
            label={t("enrol.name")}
            placeholder={t("enrol.namePlaceholder")}
            value={name}
            onChange={(event) => enrolment.setName(event.currentTarget.value)}
            error={asked && nameMissing ? t("enrol.nameMissing") : null}
            disabled={running}
            maxLength={200}
            data-autofocus
          />
        )}
        <PhotoInput
          multiple
          onPhotos={enrolment.add}
          compact={entries.length > 0}
          minHeight={entries.length > 0 ? 0 : 190}
        />
        {entries.length > 0 && (
          <ul className={classes.list} style={{ listStyle: "none", padding: 0, margin: 0 }}>
            {entries.map((entry) => (
              <EnrolRow
                key={entry.id}
                entry={entry}
                named={named}
                busy={running}
                onName={(value) => enrolment.change(entry.id, { name: value })}
                onFace={(index) => void enrolment.chooseFace(entry, index)}
                onRemove={() => enrolment.remove(entry.id)}
              />
            ))}
          </ul>
        )}
        <Group justify="space-between" className={classes.foot}>
          <Summary entries={entries} />
          <Group gap="sm">
            <OpenPerson entries={entries} person={person} />
            <Button variant="default" onClick={onClose} disabled={running}>
              {entries.some((entry) => entry.outcome.kind === "done") ? t("enrol.close") : t("shell.cancel")}
            </Button>
            {(wanted.length > 0 || entries.length === 0) && (
              <Button type="submit" loading={running} disabled={entries.length === 0}>
                {t(fresh.length > 0 || entries.length === 0 ? "enrol.start" : "enrol.again", {
                  count: wanted.length,
                })}
              </Button>
            )}
          </Group>
        </Group>
      </Stack>
    </form>
  );
}

function Summary({ entries }: { entries: Entry[] }) {
  const { t } = useTranslation();
  const count = (kind: Entry["outcome"]["kind"]) =>
    entries.filter((entry) => entry.outcome.kind === kind).length;
  const parts = [
    count("done") > 0 && t("enrol.summary.done", { count: count("done") }),
    count("choose") > 0 && t("enrol.summary.choose", { count: count("choose") }),
    count("failed") > 0 && t("enrol.summary.failed", { count: count("failed") }),
  ].filter(Boolean);
  return (
    <Text size="sm" c="dimmed" role="status">
      {parts.join(" · ")}
    </Text>
  );
}

/** The way to the person, when all that was enrolled is of one who is not on the page already. */
function OpenPerson({ entries, person }: { entries: Entry[]; person: KnownPerson | undefined }) {
  const { t } = useTranslation();
  const enrolled = new Map(
    entries.flatMap(({ outcome }) =>
      outcome.kind === "done"
        ? [[outcome.enrolled.person.person_id, outcome.enrolled.person.name] as const]
        : [],
    ),
  );
  const [only] = enrolled;
  if (person || !only || enrolled.size > 1) return null;
  return (
    <Button
      variant="subtle"
      renderRoot={(props) => <Link {...props} to="/gallery/$personId" params={{ personId: only[0] }} />}
    >
      {t("enrol.open", { name: only[1] })}
    </Button>
  );
}

function useStart(start: EnrolStart, add: (files: File[], faceIndex?: number) => void) {
  const added = useRef<EnrolStart | null>(null);
  useEffect(() => {
    if (added.current === start) return;
    added.current = start;
    if (start.files.length > 0) add(start.files, start.faceIndex);
  }, [start, add]);
}
