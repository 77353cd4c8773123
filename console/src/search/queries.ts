import { keepPreviousData, queryOptions, skipToken } from "@tanstack/react-query";
import { api, asField, asForm } from "#/api/client";
import { answered } from "#/api/problem";

export interface SearchOptions {
  pack: string | null;
  topK: number;
  threshold: number | null;
  faces: "all" | "largest";
}

export const defaultOptions: SearchOptions = { pack: null, topK: 5, threshold: null, faces: "all" };

/** A photo on the page; the id stands for it in cache keys, which cannot hold files. */
export interface Photo {
  id: string;
  file: File;
}

let photos = 0;

export function newPhoto(file: File): Photo {
  photos += 1;
  return { id: `photo-${photos}`, file };
}

export const searchQuery = (photo: Photo | null, options: SearchOptions) =>
  queryOptions({
    queryKey: ["search", photo?.id, options],
    queryFn: photo
      ? ({ signal }) =>
          answered(
            api.POST("/api/v1/search", {
              body: {
                image: asField(photo.file),
                top_k: options.topK,
                faces: options.faces,
                ...(options.pack && { pack: options.pack }),
                ...(options.threshold !== null && { threshold: options.threshold }),
              },
              bodySerializer: asForm,
              signal,
            }),
          )
      : skipToken,
    staleTime: Number.POSITIVE_INFINITY,
    // While an option changes, the earlier answer stays; another photo's must not.
    placeholderData: (data, query) => (query?.queryKey[1] === photo?.id ? keepPreviousData(data) : undefined),
  });
