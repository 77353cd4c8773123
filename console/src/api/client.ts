import createClient from "openapi-fetch";
import type { paths } from "#/api/schema";
import { accessToken, anotherToken } from "#/api/session";

export const api = createClient<paths>({ fetch: authorisedFetch });

/** fetch as the user who is logged in; a token that the server does not take any more is renewed once. */
export async function authorisedFetch(request: Request): Promise<Response> {
  const again = request.clone();
  const token = await accessToken();
  if (token) request.headers.set("Authorization", `Bearer ${token}`);
  const response = await fetch(request);
  if (response.status !== 401 || !token || !(await anotherToken(token))) return response;
  again.headers.set("Authorization", `Bearer ${await accessToken()}`);
  return fetch(again);
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
