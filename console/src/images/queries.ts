import { keepPreviousData, queryOptions, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { api, authorisedFetch } from "#/api/client";
import { answered } from "#/api/problem";
import { useLiveTasks } from "#/images/use-live-tasks";

export const PAGE_SIZE = 24;
/** The tasks of one picture are found among the newest of all. */
const TASKS_SHOWN = 100;

/** `page` counts from 1. */
export const imagesQuery = (page: number) =>
  queryOptions({
    queryKey: ["images", { page }],
    queryFn: ({ signal }) =>
      answered(
        api.GET("/api/v1/images/", {
          params: { query: { skip: (page - 1) * PAGE_SIZE, limit: PAGE_SIZE } },
          signal,
        }),
      ),
    placeholderData: keepPreviousData,
  });

export const imageQuery = (imageId: string) =>
  queryOptions({
    queryKey: ["image", imageId],
    queryFn: async ({ signal }) =>
      (
        await answered(
          api.GET("/api/v1/images/{image_id}", { params: { path: { image_id: imageId } }, signal }),
        )
      ).image,
  });

/** The picture itself. */
export const contentQuery = (imageId: string) =>
  queryOptions({
    queryKey: ["image-content", imageId],
    queryFn: async ({ signal }) => {
      const response = await authorisedFetch(new Request(contentOf(imageId), { signal }));
      if (!response.ok) throw new Error(`HTTP ${response.status}`);
      return response.blob();
    },
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
  });

export const modelsQuery = queryOptions({
  queryKey: ["inference-models"],
  queryFn: async ({ signal }) =>
    (await answered(api.GET("/api/v1/images/inference/models", { signal }))).models,
});

const resultsQuery = (imageId: string) =>
  queryOptions({
    queryKey: ["image-results", imageId],
    queryFn: async ({ signal }) =>
      (
        await answered(
          api.GET("/api/v1/images/{image_id}/results", { params: { path: { image_id: imageId } }, signal }),
        )
      ).results,
  });

const tasksQuery = queryOptions({
  queryKey: ["inference-tasks"],
  queryFn: async ({ signal }) =>
    (
      await answered(
        api.GET("/api/v1/images/inference/tasks", {
          params: { query: { skip: 0, limit: TASKS_SHOWN } },
          signal,
        }),
      )
    ).tasks,
});

/** What came of a picture so far, kept up to date. */
export function useResults(imageId: string) {
  useLiveTasks();
  return useQuery(resultsQuery(imageId));
}

/** The runs of a picture in the background that have not come to a result, kept up to date. */
export function useTasks(imageId: string) {
  useLiveTasks();
  return useQuery({
    ...tasksQuery,
    select: (tasks) => tasks.filter((task) => task.image_id === imageId && task.status !== "completed"),
  });
}

/** Names of models as people know them. A model may be gone by now: its name stays. */
export function useModelTitle(): (name: string) => string {
  const models = useQuery(modelsQuery);
  return (name) => models.data?.find((model) => model.name === name)?.title ?? name;
}

export function useRun(imageId: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: async (model: string) =>
      (await answered(api.POST("/api/v1/images/inference", { body: { image_id: imageId, model } }))).result,
    onSuccess: () => client.invalidateQueries({ queryKey: ["image-results", imageId] }),
  });
}

export function useRunInBackground(imageId: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: async ({ model, key }: { model: string; key: string }) =>
      (
        await answered(
          api.POST("/api/v1/images/inference/async", {
            params: { header: { "idempotency-key": key } },
            body: { image_id: imageId, model },
          }),
        )
      ).task,
    onSuccess: () => client.invalidateQueries({ queryKey: ["inference-tasks"] }),
  });
}

export function useDeleteImage(imageId: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: () =>
      answered(api.DELETE("/api/v1/images/{image_id}", { params: { path: { image_id: imageId } } })),
    onSuccess: () => {
      for (const key of ["image", "image-results", "image-content"])
        client.removeQueries({ queryKey: [key, imageId], type: "inactive" });
      for (const key of ["images", "inference-tasks", "jobs"])
        void client.invalidateQueries({ queryKey: [key] });
    },
  });
}

export function thumbnailOf(imageId: string): string {
  return `/api/v1/images/${encodeURIComponent(imageId)}/thumbnail`;
}

function contentOf(imageId: string): string {
  return `/api/v1/images/${encodeURIComponent(imageId)}/content`;
}
