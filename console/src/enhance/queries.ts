import { keepPreviousData, queryOptions, skipToken } from "@tanstack/react-query";
import { api } from "#/api/client";
import { answered } from "#/api/problem";
import { fieldsOf, type Options } from "#/enhance/options";
import type { Photo } from "#/search/queries";

/** The header of a photo is in its beginning, and that is all that an estimate needs. */
const HEADER_BYTES = 1 << 20;

export const enginesQuery = queryOptions({
  queryKey: ["enhancement-engines"],
  queryFn: ({ signal }) => answered(api.GET("/api/v1/enhance/engines", { signal })),
  staleTime: 60_000,
});

/** Size, engines and time before anything is sent but the photo's beginning. */
export const estimateQuery = (photo: Photo | null, options: Options) =>
  queryOptions({
    queryKey: ["enhancement-estimate", photo?.id, options],
    queryFn: photo
      ? ({ signal }) =>
          answered(
            api.POST("/api/v1/enhance/estimate", {
              body: { image: "" },
              bodySerializer: () => estimateForm(photo.file, options),
              signal,
            }),
          )
      : skipToken,
    staleTime: Number.POSITIVE_INFINITY,
    // While an option changes, the earlier answer stays; another photo's must not.
    placeholderData: (data, query) => (query?.queryKey[1] === photo?.id ? keepPreviousData(data) : undefined),
    retry: false,
  });

function estimateForm(file: File, options: Options): FormData {
  const form = new FormData();
  for (const [name, value] of fieldsOf(options)) form.append(name, value);
  form.append("image", file.slice(0, HEADER_BYTES), file.name);
  return form;
}
