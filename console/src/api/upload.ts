/** Large uploads: fetch says nothing about how much of a body has gone out, XMLHttpRequest does. */

import { ProblemError, parseProblem } from "#/api/problem";
import { accessToken, anotherToken } from "#/api/session";

export interface UploadOptions {
  headers?: Record<string, string>;
  onProgress: (sentBytes: number, totalBytes: number) => void;
  signal: AbortSignal;
}

/** Sends a form as the user who is logged in and answers with the body; a problem is thrown, an aborted upload throws AbortError. */
export async function upload(path: string, form: FormData, options: UploadOptions): Promise<unknown> {
  let tried = false;
  for (;;) {
    const token = await accessToken();
    const { status, body, retryAfter } = await send(path, form, token, options);
    if (status < 400) return body;
    if (status === 401 && token && !tried && (await anotherToken(token))) {
      tried = true;
      continue;
    }
    throw new ProblemError(parseProblem(status, body, retryAfter));
  }
}

function send(
  path: string,
  form: FormData,
  token: string | null,
  { headers, onProgress, signal }: UploadOptions,
) {
  return new Promise<{ status: number; body: unknown; retryAfter: string | null }>((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", path);
    request.responseType = "text";
    for (const [name, value] of Object.entries(headers ?? {})) request.setRequestHeader(name, value);
    if (token) request.setRequestHeader("Authorization", `Bearer ${token}`);
    request.upload.onprogress = (event) => onProgress(event.loaded, event.total);
    request.onload = () =>
      resolve({
        status: request.status,
        body: parsed(request.responseText),
        retryAfter: request.getResponseHeader("Retry-After"),
      });
    // The same error as fetch's, so that it is told in the same words.
    request.onerror = () => reject(new TypeError("The upload was cut off."));
    request.onabort = () => reject(new DOMException("The upload was stopped.", "AbortError"));
    signal.addEventListener("abort", () => request.abort(), { once: true });
    request.send(form);
  });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
