import createClient from "openapi-fetch";
import { askForKey, currentKey } from "#/api/key";
import type { paths } from "#/api/schema";

export const api = createClient<paths>({ fetch: authorisedFetch });

/** fetch with the API key; when the server asks for one, the person is asked and the request is sent again. */
export async function authorisedFetch(request: Request): Promise<Response> {
  for (;;) {
    const key = currentKey();
    const attempt = request.clone();
    if (key) attempt.headers.set("Authorization", `Bearer ${key}`);
    const response = await fetch(attempt);
    if (response.status !== 401 || !(await wantsKey(response.clone()))) return response;
    if (currentKey() === key && !(await askForKey(key !== null))) return response;
  }
}

async function wantsKey(response: Response): Promise<boolean> {
  const body: unknown = await response.json().catch(() => null);
  return typeof body === "object" && body !== null && "code" in body && body.code === "api_key_required";
}

/** `bodySerializer` of the calls that carry photos. */
export function asForm(body: unknown): FormData {
  const form = new FormData();
  if (typeof body !== "object" || body === null) return form;
  for (const [name, value] of Object.entries(body)) {
    for (const item of Array.isArray(value) ? value : [value]) {
      if (item instanceof File) form.append(name, item, item.name);
      else if (item !== undefined && item !== null && item !== "") form.append(name, String(item));
    }
  }
  return form;
}

/** OpenAPI has no type for a file: its description calls one a string. */
export function asField(photo: File): string {
  return photo as unknown as string;
}
