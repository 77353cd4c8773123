import {
  infiniteQueryOptions,
  keepPreviousData,
  queryOptions,
  useInfiniteQuery,
  useMutation,
  useQuery,
  useQueryClient,
} from "@tanstack/react-query";
import { useEffect } from "react";
import { api } from "#/api/client";
import { answered } from "#/api/problem";
import type { Job } from "#/api/types";
import { useLiveJobs } from "#/jobs/use-live-jobs";

const PAGE_SIZE = 50;
const ITEMS_PAGE_SIZE = 200;

export type JobStatus = Job["status"];

export function hasEnded(job: Job): boolean {
  return job.finished_at !== null;
}

/** All jobs, kept up to date. */
export function useJobs(status: JobStatus | null) {
  useLiveJobs();
  return useInfiniteQuery(jobsQuery(status));
}

/** One job, kept up to date. */
export function useJob(jobId: string) {
  useLiveJobs();
  return useQuery(jobQuery(jobId));
}

/** The newest job of a kind, so that a page finds the one that runs already. */
export function useLatestJob(kind: string) {
  useLiveJobs();
  return useQuery(latestJobQuery(kind));
}

/** The newest jobs of a kind, where several packs may each have one. */
export function useRecentJobs(kind: string) {
  useLiveJobs();
  return useQuery(recentJobsQuery(kind));
}

/** What became of each item of a job, also while it runs. */
export function useJobItems(job: Job, status: string | null) {
  useLiveJobs();
  return useInfiniteQuery(jobItemsQuery(job, status));
}

const jobsQuery = (status: JobStatus | null) =>
  infiniteQueryOptions({
    queryKey: ["jobs", { status }],
    queryFn: ({ pageParam, signal }) =>
      answered(
        api.GET("/api/v1/jobs", {
          params: {
            query: { limit: PAGE_SIZE, ...(pageParam && { cursor: pageParam }), ...(status && { status }) },
          },
          signal,
        }),
      ),
    initialPageParam: "",
    getNextPageParam: (page) => page.next_cursor,
  });

const jobQuery = (jobId: string) =>
  queryOptions({
    queryKey: ["job", jobId],
    queryFn: async ({ signal }) =>
      (await answered(api.GET("/api/v1/jobs/{job_id}", { params: { path: { job_id: jobId } }, signal }))).job,
  });

const latestJobQuery = (kind: string) =>
  queryOptions({
    queryKey: ["jobs", { kind, limit: 1 }],
    queryFn: async ({ signal }) =>
      (await answered(api.GET("/api/v1/jobs", { params: { query: { kind, limit: 1 } }, signal }))).jobs[0] ??
      null,
  });

const recentJobsQuery = (kind: string) =>
  queryOptions({
    queryKey: ["jobs", { kind, limit: PAGE_SIZE }],
    queryFn: async ({ signal }) =>
      (await answered(api.GET("/api/v1/jobs", { params: { query: { kind, limit: PAGE_SIZE } }, signal })))
        .jobs,
  });

/** Calls back when a job has ended, also one that was over before anybody could watch it. */
export function useJobEnd(job: Job | null, onEnd: () => void) {
  const ended = job?.finished_at ? `${job.job_id} ${job.finished_at}` : null;
  useEffect(() => {
    if (ended !== null) onEnd();
  }, [ended, onEnd]);
}

/** Asked anew once the job has ended: an answer that was on its way then may lack the last items. */
const jobItemsQuery = ({ job_id: jobId, finished_at: finishedAt }: Job, status: string | null) =>
  infiniteQueryOptions({
    queryKey: ["job", jobId, "items", { status, finishedAt }],
    queryFn: ({ pageParam, signal }) =>
      answered(
        api.GET("/api/v1/jobs/{job_id}/items", {
          params: {
            path: { job_id: jobId },
            query: {
              limit: ITEMS_PAGE_SIZE,
              ...(pageParam && { cursor: pageParam }),
              ...(status && { status }),
            },
          },
          signal,
        }),
      ),
    initialPageParam: "",
    getNextPageParam: (page) => page.next_cursor,
    placeholderData: (data, query) => (query?.queryKey[1] === jobId ? keepPreviousData(data) : undefined),
  });

export function useCancelJob(jobId: string) {
  return useJobMutation(() =>
    answered(api.POST("/api/v1/jobs/{job_id}/cancel", { params: { path: { job_id: jobId } } })),
  );
}

export function useRetryJob(jobId: string) {
  return useJobMutation(() =>
    answered(api.POST("/api/v1/jobs/{job_id}/retry", { params: { path: { job_id: jobId } } })),
  );
}

export function useRemoveJob(jobId: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: () => answered(api.DELETE("/api/v1/jobs/{job_id}", { params: { path: { job_id: jobId } } })),
    onSuccess: () => {
      client.removeQueries({ queryKey: ["job", jobId] });
      void client.invalidateQueries({ queryKey: ["jobs"] });
    },
  });
}

function useJobMutation<Output>(mutationFn: () => Promise<Output>) {
  const client = useQueryClient();
  return useMutation({
    mutationFn,
    onSuccess: () => {
      for (const key of ["job", "jobs"]) void client.invalidateQueries({ queryKey: [key] });
    },
  });
}
