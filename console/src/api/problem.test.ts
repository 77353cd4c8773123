import { describe, expect, it } from "vitest";
import { answered, ProblemError, parseProblem, problemOf, UNREACHABLE, UNREADABLE } from "#/api/problem";

const several = {
  type: "urn:lianpu:problem:several_faces",
  title: "More than one face found",
  status: 422,
  detail: "The photo holds 2 faces.",
  code: "several_faces",
  request_id: "r-1",
  errors: [],
  faces: [
    { face_index: 0, box_normalized: { left: 0.1, top: 0.1, width: 0.2, height: 0.2 }, detection_score: 0.9 },
    { face_index: 1, box_normalized: { left: 0.5, top: 0.1, width: 0.2, height: 0.2 }, detection_score: 0.8 },
    { face_index: "two" },
  ],
};

describe("parseProblem", () => {
  it("reads the code, the request id and the faces", () => {
    const problem = parseProblem(422, several);
    expect(problem).toMatchObject({ code: "several_faces", requestId: "r-1", detail: several.detail });
    expect(problem.faces.map((face) => face.face_index)).toEqual([0, 1]);
  });

  it("reads what is amiss with a photo, and only what it can show", () => {
    const warning = { code: "quality_too_blurred", message: "sharpness is 0.1", value: 0.1, limit: 0.37 };
    const body = { ...several, code: "quality_too_low", warnings: [warning, { code: "half" }, 7] };
    expect(parseProblem(422, body).warnings).toEqual([warning]);
    expect(parseProblem(422, several).warnings).toEqual([]);
  });

  it("reads how long the server asks to wait, where it says so in seconds", () => {
    expect(parseProblem(503, several, "12").retryAfterS).toBe(12);
    expect(parseProblem(503, several).retryAfterS).toBeNull();
    expect(parseProblem(503, several, "soon").retryAfterS).toBeNull();
  });

  it("reads the fields that are wrong", () => {
    const errors = [{ field: "name", message: "is required", code: "missing" }];
    expect(parseProblem(422, { ...several, errors }).errors).toEqual(errors);
  });

  it.each([["<html>502</html>"], [null], [[]], [{ message: "no" }], [42]])("makes do with %j", (body) => {
    expect(parseProblem(502, body)).toMatchObject({
      code: UNREADABLE,
      title: "HTTP 502",
      errors: [],
      faces: [],
    });
  });
});

describe("problemOf", () => {
  it("tells a lost connection from the server's answer", () => {
    expect(problemOf(new TypeError("Failed to fetch")).code).toBe(UNREACHABLE);
    expect(problemOf(new ProblemError(parseProblem(422, several))).code).toBe("several_faces");
    expect(problemOf("?").code).toBe("console_error");
  });
});

describe("answered", () => {
  it("gives the data of a good answer", async () => {
    const response = new Response(null, { status: 200 });
    await expect(answered(Promise.resolve({ data: 1, response }))).resolves.toBe(1);
  });

  it("throws the problem of a bad one", async () => {
    const response = new Response(null, { status: 422 });
    await expect(answered(Promise.resolve({ error: several, response }))).rejects.toMatchObject({
      problem: { code: "several_faces" },
    });
  });
});
