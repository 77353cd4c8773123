import { queryOptions } from "@tanstack/react-query";
import createClient from "openapi-fetch";
import { api } from "#/api/client";
import { answered } from "#/api/problem";
import type { paths } from "#/api/schema";

/** For calls that anybody may make: whoever is not logged in need not try to be. */
export const openApi = createClient<paths>();

export const setupQuery = queryOptions({
  queryKey: ["setup"],
  queryFn: ({ signal }) => answered(openApi.GET("/api/v1/users/setup", { signal })),
  staleTime: Number.POSITIVE_INFINITY,
});

export const sessionsQuery = queryOptions({
  queryKey: ["sessions"],
  queryFn: async ({ signal }) => (await answered(api.GET("/api/v1/users/me/sessions", { signal }))).sessions,
});

export const keysQuery = (everybody: boolean) =>
  queryOptions({
    queryKey: ["keys", everybody],
    queryFn: async ({ signal }) =>
      (await answered(api.GET("/api/v1/keys", { params: { query: { everybody } }, signal }))).keys,
  });

export const usersQuery = queryOptions({
  queryKey: ["users"],
  queryFn: async ({ signal }) => (await answered(api.GET("/api/v1/users/", { signal }))).users,
});
