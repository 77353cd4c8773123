/** Enrolling many photos: which belong together, in which order they are sent, and what became of each. */

import { type Problem, problemOf } from "#/api/problem";
import type { Enrolled } from "#/api/types";
import type { EnrolRequest } from "#/gallery/queries";

export type Grouping = "one" | "named";

export type Outcome =
  | { kind: "waiting" }
  | { kind: "running" }
  | { kind: "done"; enrolled: Enrolled; added: boolean }
  | { kind: "choose"; problem: Problem }
  | { kind: "failed"; problem: Problem };

export interface Entry {
  id: string;
  file: File;
  name: string;
  faceIndex?: number | undefined;
  outcome: Outcome;
}

let entries = 0;

export function newEntry(file: File, faceIndex?: number): Entry {
  entries += 1;
  return { id: `entry-${entries}`, file, name: nameOf(file.name), faceIndex, outcome: { kind: "waiting" } };
}

/** "Li_Hua-2.jpg" shows Li Hua: extension, counters and separators are no part of a name. */
export function nameOf(fileName: string): string {
  return fileName
    .replace(/\.[A-Za-z0-9]{1,5}$/, "")
    .replace(/[_\s]+/g, " ")
    .replace(/([\s\-–.]+\d+|\s*\(\d+\)|(?<=\p{Script=Han})\d+)$/u, "")
    .trim();
}

/** Entries that are of one person, by the name they will be enrolled under. */
export function groups(list: Entry[], nameFor: (entry: Entry) => string): Map<string, Entry[]> {
  const result = new Map<string, Entry[]>();
  for (const entry of list) {
    const name = nameFor(entry).trim();
    result.set(name, [...(result.get(name) ?? []), entry]);
  }
  return result;
}

export interface RunOptions {
  entries: Entry[];
  nameFor: (entry: Entry) => string;
  /** Persons that this dialog has created already, by name; the first photo that succeeds adds one. */
  persons: Map<string, string>;
  send: (request: EnrolRequest) => Promise<Enrolled>;
  onOutcome: (entryId: string, outcome: Outcome) => void;
  parallel: number;
}

/** One person's photos go one after another, since the first creates the person; several persons go side by side. */
export async function runEnrolment(options: RunOptions): Promise<void> {
  const waiting = [...groups(options.entries, options.nameFor)];
  const worker = async () => {
    for (let group = waiting.shift(); group; group = waiting.shift()) {
      const [name, members] = group;
      for (const entry of members) await enrolOne(entry, name, options);
    }
  };
  await Promise.all(Array.from({ length: options.parallel }, worker));
}

async function enrolOne(entry: Entry, name: string, { persons, send, onOutcome }: RunOptions) {
  onOutcome(entry.id, { kind: "running" });
  const personId = persons.get(name);
  try {
    const enrolled = await send({ image: entry.file, name, personId, faceIndex: entry.faceIndex });
    persons.set(name, enrolled.person.person_id);
    onOutcome(entry.id, { kind: "done", enrolled, added: personId !== undefined });
  } catch (error) {
    const problem = problemOf(error);
    const choose = problem.code === "several_faces" && problem.faces.length > 1;
    onOutcome(entry.id, { kind: choose ? "choose" : "failed", problem });
  }
}
