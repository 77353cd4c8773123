import { infiniteQueryOptions, queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { api } from "#/api/client";
import { answered } from "#/api/problem";
import type { Consent, NewConsent } from "#/swap/types";

const PAGE_SIZE = 50;
const WHOLE_PAGE_SIZE = 200;

export interface ConsentFilter {
  valid: boolean;
  personId: string | null;
}

export const consentsQuery = ({ valid, personId }: ConsentFilter) =>
  infiniteQueryOptions({
    queryKey: ["consents", { valid, personId }],
    queryFn: ({ pageParam, signal }) =>
      answered(
        api.GET("/api/v1/swap/consents", {
          params: {
            query: {
              valid,
              limit: PAGE_SIZE,
              ...(personId && { person_id: personId }),
              ...(pageParam && { cursor: pageParam }),
            },
          },
          signal,
        }),
      ),
    initialPageParam: "",
    getNextPageParam: (page) => page.next_cursor,
  });

/** All that permit something now, to choose one. */
export const validConsentsQuery = queryOptions({
  queryKey: ["consents", "valid"],
  queryFn: async ({ signal }) => {
    const all: Consent[] = [];
    let cursor: string | null = null;
    do {
      const query = { valid: true, limit: WHOLE_PAGE_SIZE, ...(cursor && { cursor }) };
      const page: { consents: Consent[]; next_cursor: string | null } = await answered(
        api.GET("/api/v1/swap/consents", { params: { query }, signal }),
      );
      all.push(...page.consents);
      cursor = page.next_cursor;
    } while (cursor);
    return all;
  },
});

export function useRecord() {
  return useConsentMutation((body: NewConsent) => answered(api.POST("/api/v1/swap/consents", { body })));
}

export function useShorten(consentId: string) {
  return useConsentMutation((validUntil: string) =>
    answered(
      api.PATCH("/api/v1/swap/consents/{consent_id}", {
        params: { path: { consent_id: consentId } },
        body: { valid_until: validUntil },
      }),
    ),
  );
}

export function useRevoke(consentId: string) {
  return useConsentMutation((reason: string) =>
    answered(
      api.POST("/api/v1/swap/consents/{consent_id}/revoke", {
        params: { path: { consent_id: consentId } },
        body: { reason },
      }),
    ),
  );
}

export function useDeleteConsent(consentId: string) {
  return useConsentMutation(() =>
    answered(
      api.DELETE("/api/v1/swap/consents/{consent_id}", { params: { path: { consent_id: consentId } } }),
    ),
  );
}

function useConsentMutation<Input, Output>(mutationFn: (input: Input) => Promise<Output>) {
  const client = useQueryClient();
  return useMutation({
    mutationFn,
    onSuccess: () => {
      for (const key of ["consents", "swap-check", "live-swaps"])
        void client.invalidateQueries({ queryKey: [key] });
    },
    meta: { told: true },
  });
}
