/**
 * The login of this browser. The access token lives in memory alone; the refresh token is a cookie that no script can
 * read. All tabs share the cookie, which is good once: one tab at a time refreshes.
 */

import { ProblemError, parseProblem } from "#/api/problem";
import type { User } from "#/api/types";

export type Session =
  | { kind: "starting" }
  | { kind: "anonymous"; ended: boolean }
  | { kind: "unreachable" }
  | { kind: "user"; user: User };

interface Token {
  text: string;
  /** `performance.now()` from which on a new one is fetched. */
  oldAt: number;
}

const TOKEN_PATH = "/api/v1/users/token";
const REFRESH_BEFORE_S = 30;
const LOCK = "lianpu.refresh";

const news = new BroadcastChannel("lianpu.session");
const listeners = new Set<() => void>();
let session: Session = { kind: "starting" };
let token: Token | null = null;
let refreshing: Promise<boolean> | null = null;

export function currentSession(): Session {
  return session;
}

export function onSession(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** A token that is good; null where nobody is logged in. */
export async function accessToken(): Promise<string | null> {
  if (token && performance.now() < token.oldAt) return token.text;
  return (await refreshed()) ? (token?.text ?? null) : null;
}

/** After the server refused this token: whether there is another one to try with. */
export async function anotherToken(refused: string): Promise<boolean> {
  if (token && token.text !== refused) return true;
  token = null;
  return refreshed();
}

/** Goes on with the login that the browser has, if it has one. */
export async function startSession(): Promise<void> {
  news.onmessage = (message) => {
    if (message.data === "out") forget(false);
    if (message.data === "in" && session.kind !== "user") void refreshed();
  };
  await refreshed();
}

export async function logIn(name: string, password: string): Promise<void> {
  await take(await asked({ grant_type: "password", username: name, password, refresh_cookie: "true" }));
  news.postMessage("in");
}

export async function logOut(): Promise<void> {
  await fetch(`${TOKEN_PATH}/revoke`, { method: "POST", body: new URLSearchParams() }).catch(() => null);
  forget(false);
  news.postMessage("out");
}

/** After a change of name or password. */
export async function readUser(): Promise<void> {
  const text = await accessToken();
  if (!text) return;
  const response = await fetch("/api/v1/users/me", { headers: { Authorization: `Bearer ${text}` } });
  if (response.ok) set({ kind: "user", user: ((await response.json()) as { user: User }).user });
}

function refreshed(): Promise<boolean> {
  refreshing ??= oneTabAtATime().finally(() => {
    refreshing = null;
  });
  return refreshing;
}

/** Browsers give locks to secure pages alone; over plain HTTP the server's grace for simultaneous refreshes must do. */
async function oneTabAtATime(): Promise<boolean> {
  if (!window.isSecureContext) return refresh();
  return await navigator.locks.request(LOCK, refresh);
}

async function refresh(): Promise<boolean> {
  const hadUser = session.kind === "user";
  try {
    await take(await asked({ grant_type: "refresh_token", refresh_cookie: "true" }));
    return true;
  } catch (error) {
    // The network's absence is not the login's end.
    if (error instanceof ProblemError && error.problem.status < 500 && error.problem.status !== 429)
      forget(hadUser);
    else if (!hadUser) set({ kind: "unreachable" });
    return false;
  }
}

interface TokenAnswer {
  access_token: string;
  expires_in: number;
}

async function asked(fields: Record<string, string>): Promise<TokenAnswer> {
  const response = await fetch(TOKEN_PATH, { method: "POST", body: new URLSearchParams(fields) });
  const body: unknown = await response.json().catch(() => null);
  if (!response.ok) throw new ProblemError(parseProblem(response.status, body));
  return body as TokenAnswer;
}

async function take(answer: TokenAnswer): Promise<void> {
  token = {
    text: answer.access_token,
    oldAt: performance.now() + 1000 * Math.max(answer.expires_in - REFRESH_BEFORE_S, answer.expires_in / 2),
  };
  if (session.kind !== "user") await readUser();
}

function forget(ended: boolean) {
  token = null;
  set({ kind: "anonymous", ended });
}

function set(next: Session) {
  session = next;
  for (const listener of listeners) listener();
}
