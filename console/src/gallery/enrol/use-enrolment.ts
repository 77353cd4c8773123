import { useQueryClient } from "@tanstack/react-query";
import { useCallback, useRef, useState } from "react";
import { type Entry, type Grouping, newEntry, type Outcome, runEnrolment } from "#/gallery/enrol/enrolment";
import { enrol, galleryChanged } from "#/gallery/queries";

const PARALLEL_PERSONS = 3;

export interface KnownPerson {
  person_id: string;
  name: string;
}

/** The state of the enrolment dialog: its photos, whose they are, and their way to the server. */
export function useEnrolment(known: KnownPerson | undefined) {
  const client = useQueryClient();
  const [entries, setEntries] = useState<Entry[]>([]);
  const [grouping, setGrouping] = useState<Grouping>("one");
  const [name, setName] = useState("");
  const [running, setRunning] = useState(false);
  const persons = useRef(new Map<string, string>());

  const change = useCallback((id: string, values: Partial<Entry>) => {
    setEntries((list) => list.map((entry) => (entry.id === id ? { ...entry, ...values } : entry)));
  }, []);

  const nameFor = (entry: Entry) => known?.name ?? (grouping === "one" ? name : entry.name);

  const run = async (wanted: Entry[]) => {
    if (wanted.length === 0) return;
    setRunning(true);
    if (known) persons.current.set(known.name, known.person_id);
    try {
      await runEnrolment({
        entries: wanted,
        nameFor,
        persons: persons.current,
        send: enrol,
        onOutcome: (id: string, outcome: Outcome) => change(id, { outcome }),
        parallel: PARALLEL_PERSONS,
      });
    } finally {
      setRunning(false);
      galleryChanged(client);
    }
  };

  return {
    entries,
    grouping,
    setGrouping,
    name,
    setName,
    running,
    nameFor,
    change,
    run,
    add: (files: File[], faceIndex?: number) =>
      setEntries((list) => [...list, ...files.map((file) => newEntry(file, faceIndex))]),
    remove: (id: string) => setEntries((list) => list.filter((entry) => entry.id !== id)),
    chooseFace: (entry: Entry, faceIndex: number) => {
      change(entry.id, { faceIndex });
      return run([{ ...entry, faceIndex }]);
    },
  };
}
