import {
  infiniteQueryOptions,
  type QueryClient,
  queryOptions,
  useMutation,
  useQueryClient,
} from "@tanstack/react-query";
import { api, asField, asForm } from "#/api/client";
import { answered } from "#/api/problem";
import type { Enrolled } from "#/api/types";

const PAGE_SIZE = 60;

export const personsQuery = (name: string) =>
  infiniteQueryOptions({
    queryKey: ["persons", { name }],
    queryFn: ({ pageParam, signal }) =>
      answered(
        api.GET("/api/v1/faces", {
          params: {
            query: { limit: PAGE_SIZE, ...(pageParam && { cursor: pageParam }), ...(name && { name }) },
          },
          signal,
        }),
      ),
    initialPageParam: "",
    getNextPageParam: (page) => page.next_cursor,
  });

export const personQuery = (personId: string) =>
  queryOptions({
    queryKey: ["person", personId],
    queryFn: ({ signal }) =>
      answered(api.GET("/api/v1/faces/{person_id}", { params: { path: { person_id: personId } }, signal })),
  });

/** Everything that a change of the gallery makes stale: lists, persons, figures, and who is recognised. */
export function galleryChanged(client: QueryClient) {
  for (const key of ["persons", "person", "status", "search"])
    void client.invalidateQueries({ queryKey: [key] });
}

export interface EnrolRequest {
  image: File;
  name?: string | undefined;
  personId?: string | undefined;
  faceIndex?: number | undefined;
}

export function enrol({ image, name, personId, faceIndex }: EnrolRequest): Promise<Enrolled> {
  const face = faceIndex === undefined ? {} : { face_index: faceIndex };
  if (personId !== undefined) {
    return answered(
      api.POST("/api/v1/faces/{person_id}/images", {
        params: { path: { person_id: personId } },
        body: { image: asField(image), ...face },
        bodySerializer: asForm,
      }),
    );
  }
  return answered(
    api.POST("/api/v1/faces", {
      body: { image: asField(image), ...(name && { name }), ...face },
      bodySerializer: asForm,
    }),
  );
}

export interface PersonChange {
  name?: string;
  metadata?: Record<string, unknown>;
  threshold?: number | null;
}

export function useChangePerson(personId: string) {
  return useGalleryMutation((body: PersonChange) =>
    answered(api.PATCH("/api/v1/faces/{person_id}", { params: { path: { person_id: personId } }, body })),
  );
}

/** The person's own queries go, rather than being fetched again only to be told that there is no such person. */
export function useDeletePerson(personId: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: () =>
      answered(api.DELETE("/api/v1/faces/{person_id}", { params: { path: { person_id: personId } } })),
    onSuccess: () => {
      for (const key of ["persons", "status", "search"]) void client.invalidateQueries({ queryKey: [key] });
      client.removeQueries({ queryKey: ["person", personId], type: "inactive" });
    },
  });
}

export function useSetPrimary(personId: string) {
  return useGalleryMutation((imageId: string) =>
    answered(
      api.PATCH("/api/v1/faces/{person_id}/images/{image_id}", {
        params: { path: { person_id: personId, image_id: imageId } },
        body: { is_primary: true },
      }),
    ),
  );
}

export function useDeleteImage(personId: string) {
  return useGalleryMutation((imageId: string) =>
    answered(
      api.DELETE("/api/v1/faces/{person_id}/images/{image_id}", {
        params: { path: { person_id: personId, image_id: imageId } },
      }),
    ),
  );
}

/** Other persons become part of this one. */
export function useMerge(personId: string) {
  return useGalleryMutation((from: string[]) =>
    answered(
      api.POST("/api/v1/faces/{person_id}/merge", {
        params: { path: { person_id: personId } },
        body: { from },
      }),
    ),
  );
}

export interface MoveRequest {
  imageId: string;
  to: { to_person_id: string } | { new_person: { name: string } };
  /** Remove the person it comes from when no photo is left. */
  deleteEmpty: boolean;
}

/** Like `useDeletePerson`, it does not ask again for a person who is gone. */
export function useMoveImage(personId: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ imageId, to, deleteEmpty }: MoveRequest) =>
      answered(
        api.POST("/api/v1/faces/{person_id}/images/{image_id}/move", {
          params: { path: { person_id: personId, image_id: imageId } },
          body: { ...to, delete_empty: deleteEmpty },
        }),
      ),
    onSuccess: ({ person, person_removed }) => {
      for (const key of ["persons", "status", "search"]) void client.invalidateQueries({ queryKey: [key] });
      void client.invalidateQueries({ queryKey: ["person", person.person_id] });
      if (!person_removed) void client.invalidateQueries({ queryKey: ["person", personId] });
    },
  });
}

function useGalleryMutation<Input, Output>(mutationFn: (input: Input) => Promise<Output>) {
  const client = useQueryClient();
  return useMutation({ mutationFn, onSuccess: () => galleryChanged(client) });
}
