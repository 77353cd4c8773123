import { describe, expect, it } from "vitest";
import { ProblemError, parseProblem } from "#/api/problem";
import type { Enrolled } from "#/api/types";
import { nameOf, newEntry, type Outcome, runEnrolment } from "#/gallery/enrol/enrolment";
import type { EnrolRequest } from "#/gallery/queries";

const photo = (name: string) => new File(["x"], name);
const answer = (personId: string) => ({ person: { person_id: personId } }) as unknown as Enrolled;
const refusal = (code: string, faces: unknown[] = []) =>
  new ProblemError(parseProblem(422, { code, title: code, faces }));

async function run(
  names: string[],
  send: (request: EnrolRequest) => Promise<Enrolled>,
  persons = new Map<string, string>(),
) {
  const outcomes = new Map<string, Outcome>();
  const entries = names.map((name) => newEntry(photo(name)));
  await runEnrolment({
    entries,
    nameFor: (entry) => entry.name,
    persons,
    send,
    onOutcome: (id, outcome) => outcomes.set(id, outcome),
    parallel: 2,
  });
  return entries.map((entry) => outcomes.get(entry.id));
}

describe("nameOf", () => {
  it.each([
    ["Li_Hua.jpg", "Li Hua"],
    ["Li Hua 2.JPEG", "Li Hua"],
    ["Li_Hua_0003.jpg", "Li Hua"],
    ["Li Hua (3).png", "Li Hua"],
    ["李华2.webp", "李华"],
    ["李华.heic", "李华"],
    ["t1.jpg", "t1"],
    ["2024.jpg", "2024"],
    ["J. R. Smith.jpg", "J. R. Smith"],
  ])("reads %s as %s", (file, name) => {
    expect(nameOf(file)).toBe(name);
  });
});

describe("runEnrolment", () => {
  it("creates a person with the first photo and adds the others", async () => {
    const sent: EnrolRequest[] = [];
    const outcomes = await run(["Ann 1.jpg", "Ann 2.jpg", "Bob.jpg"], async (request) => {
      sent.push(request);
      return answer(request.personId ?? `id-${request.name}`);
    });
    const ann = sent.filter((request) => request.name === "Ann");
    expect(ann.map((request) => request.personId)).toEqual([undefined, "id-Ann"]);
    expect(sent.find((request) => request.name === "Bob")?.personId).toBeUndefined();
    expect(outcomes).toMatchObject([{ added: false }, { added: true }, { added: false }]);
  });

  it("lets the next photo create the person when the first is refused", async () => {
    const outcomes = await run(["Ann 1.jpg", "Ann 2.jpg"], async (request) => {
      if (request.image.name === "Ann 1.jpg") throw refusal("face_not_found");
      return answer("id");
    });
    expect(outcomes).toMatchObject([{ kind: "failed" }, { kind: "done", added: false }]);
  });

  it("asks for the face when there are several, and only then", async () => {
    const face = { face_index: 0, box_normalized: { left: 0, top: 0, width: 1, height: 1 } };
    const [choose] = await run(["a.jpg"], async () => {
      throw refusal("several_faces", [face, { ...face, face_index: 1 }]);
    });
    expect(choose?.kind).toBe("choose");
  });

  it("adds to a person who is known already", async () => {
    const sent: EnrolRequest[] = [];
    await run(
      ["Ann.jpg"],
      async (request) => {
        sent.push(request);
        return answer("ann-1");
      },
      new Map([["Ann", "ann-1"]]),
    );
    expect(sent[0]?.personId).toBe("ann-1");
  });
});
