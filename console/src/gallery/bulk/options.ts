import type { BulkOptions } from "#/api/types";

type Chosen<Name extends keyof BulkOptions> = NonNullable<BulkOptions[Name]>;

export interface Options {
  onExisting: Chosen<"on_existing">;
  faceSelection: Chosen<"face_selection">;
  /** Null: as the server is set. */
  quality: Chosen<"quality_mode"> | null;
  conflicts: Chosen<"conflict_mode"> | null;
  /** Empty: the packs the server is set to. */
  packs: string[];
  dryRun: boolean;
}

export const defaultOptions: Options = {
  onExisting: "add",
  faceSelection: "only",
  quality: null,
  conflicts: null,
  packs: [],
  dryRun: false,
};

/** As form fields of the route. */
export function fieldsOf(options: Options): [string, string][] {
  const fields: [string, string][] = [
    ["on_existing", options.onExisting],
    ["face_selection", options.faceSelection],
    ["dry_run", String(options.dryRun)],
  ];
  if (options.quality) fields.push(["quality_mode", options.quality]);
  if (options.conflicts) fields.push(["conflict_mode", options.conflicts]);
  for (const pack of options.packs) fields.push(["models_to_generate", pack]);
  return fields;
}
