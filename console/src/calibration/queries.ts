import { queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { api } from "#/api/client";
import { answered, type Problem, ProblemError } from "#/api/problem";
import type { Job, LookAlike } from "#/api/types";
import { type Wish, wishFields } from "#/calibration/rates";
import { galleryChanged } from "#/gallery/queries";

export const CALIBRATE_KIND = "gallery.calibrate";

/** The last calibration of a pack; null as long as none was made. */
export const calibrationQuery = (pack: string) =>
  queryOptions({
    queryKey: ["calibration", pack],
    queryFn: async ({ signal }) => {
      try {
        const answer = await answered(
          api.GET("/api/v1/gallery/calibrate", { params: { query: { pack } }, signal }),
        );
        return answer.calibration;
      } catch (error) {
        if (error instanceof ProblemError && error.problem.code === "report_not_found") return null;
        throw error;
      }
    },
  });

interface Started {
  pack: string;
  job: Job | null;
  /** Why there is none: too few people, which is for the page to explain. */
  tooSmall: Problem | null;
}

export function useCalibrate() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: async ({ pack, wish }: { pack: string; wish: Wish }): Promise<Started> => {
      try {
        const { job } = await answered(
          api.POST("/api/v1/gallery/calibrate", { body: { pack, confidence: 0.95, ...wishFields(wish) } }),
        );
        return { pack, job, tooSmall: null };
      } catch (error) {
        if (error instanceof ProblemError && error.problem.code === "gallery_too_small")
          return { pack, job: null, tooSmall: error.problem };
        throw error;
      }
    },
    onSuccess: () => client.invalidateQueries({ queryKey: ["jobs"] }),
  });
}

/** Gives both persons a threshold of their own that keeps them apart; one that is higher already stays. */
export function useKeepApart({ person_ids: personIds, suggested_threshold: threshold }: LookAlike) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: async () => {
      for (const personId of personIds) {
        const params = { path: { person_id: personId } };
        const { person } = await answered(api.GET("/api/v1/faces/{person_id}", { params }));
        if (person.threshold !== null && person.threshold >= threshold) continue;
        await answered(api.PATCH("/api/v1/faces/{person_id}", { params, body: { threshold } }));
      }
    },
    onSettled: () => galleryChanged(client),
  });
}
