/** The calls of an enhancement. */

import { api, authorisedFetch } from "#/api/client";
import { answered, ProblemError, parseProblem } from "#/api/problem";
import { type UploadOptions, upload } from "#/api/upload";
import { fieldsOf, type Options } from "#/enhance/options";
import type { Enhancement, Submitted } from "#/enhance/types";

export interface FetchOptions {
  onProgress: (gotBytes: number) => void;
  signal: AbortSignal;
}

export interface EnhancementServer {
  submit: (file: File, isBatch: boolean, options: Options, upload: UploadOptions) => Promise<Submitted>;
  read: (id: string) => Promise<Enhancement>;
  /** Good once: when all of it has arrived, the server has nothing more. */
  fetchResult: (id: string, token: string, options: FetchOptions) => Promise<Blob>;
  clean: (id: string) => Promise<Enhancement>;
}

export const enhancementServer: EnhancementServer = {
  submit: async (file, isBatch, options, settings) => {
    const form = new FormData();
    for (const [name, value] of fieldsOf(options)) form.append(name, value);
    form.append(isBatch ? "archive" : "image", file, file.name);
    return (await upload(`/api/v1/enhance${isBatch ? "/batch" : ""}`, form, settings)) as Submitted;
  },
  read: async (id) =>
    (
      await answered(
        api.GET("/api/v1/enhance/{enhancement_id}", { params: { path: { enhancement_id: id } } }),
      )
    ).enhancement,
  fetchResult: async (id, token, { onProgress, signal }) => {
    const response = await authorisedFetch(resultRequest(id, token, signal));
    if (!response.ok) throw await problemOfResponse(response);
    const parts: BlobPart[] = [];
    let gotBytes = 0;
    const reader = response.body?.getReader();
    for (;;) {
      const part = await reader?.read();
      if (!part?.value) break;
      parts.push(part.value);
      gotBytes += part.value.byteLength;
      onProgress(gotBytes);
    }
    return new Blob(parts, { type: response.headers.get("content-type") ?? "" });
  },
  clean: async (id) =>
    (
      await answered(
        api.DELETE("/api/v1/enhance/{enhancement_id}", { params: { path: { enhancement_id: id } } }),
      )
    ).enhancement,
};

/** What the server says to whoever asks for a result that was fetched or overwritten. */
export async function askForResult(id: string, token: string): Promise<{ status: number; code: string }> {
  const response = await authorisedFetch(resultRequest(id, token, new AbortController().signal));
  if (response.ok) {
    await response.body?.cancel();
    return { status: response.status, code: "" };
  }
  const { problem } = await problemOfResponse(response);
  return { status: problem.status, code: problem.code };
}

function resultRequest(id: string, token: string, signal: AbortSignal): Request {
  return new Request(`/api/v1/enhance/${encodeURIComponent(id)}/result`, {
    headers: { "X-Retrieval-Token": token },
    cache: "no-store",
    signal,
  });
}

async function problemOfResponse(response: Response): Promise<ProblemError> {
  const body: unknown = await response.json().catch(() => null);
  return new ProblemError(parseProblem(response.status, body, response.headers.get("retry-after")));
}
