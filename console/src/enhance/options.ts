import type { Engine, Engines, OutputFormat } from "#/enhance/types";

export const levels = [1, 2, 3, 4] as const;
export type Level = (typeof levels)[number];

/** How many times as wide and as high each level makes a photo. */
export const SCALES = { 1: 1, 2: 2, 3: 4, 4: 8 } as const satisfies Record<Level, number>;

export const formats: OutputFormat[] = ["same", "jpeg", "png", "webp"];

/** What stands for "nothing of the kind" among the engines. */
export const NO_RESTORER = "none";
export const NO_UPSCALER = "lanczos";

export interface Options {
  level: Level;
  preserveIdentity: boolean;
  outputFormat: OutputFormat;
  /** Null: the best at hand. */
  restorer: string | null;
  upscaler: string | null;
  fidelity: number;
  keepGps: boolean;
}

export const defaultOptions: Options = {
  level: 2,
  preserveIdentity: true,
  outputFormat: "same",
  restorer: null,
  upscaler: null,
  fidelity: 0.5,
  keepGps: false,
};

/** As form fields of the routes; what is as the server would have it is left out. */
export function fieldsOf(options: Options): [string, string][] {
  const fields: [string, string][] = [
    ["enhancement_level", String(options.level)],
    ["preserve_identity", String(options.preserveIdentity)],
    ["output_format", options.outputFormat],
    ["fidelity", String(options.fidelity)],
  ];
  if (options.restorer) fields.push(["restorer", options.restorer]);
  if (options.upscaler) fields.push(["upscaler", options.upscaler]);
  if (options.keepGps) fields.push(["keep_gps", "true"]);
  return fields;
}

/** The restorer that would run: the one that is named, or the server's first. */
export function restorerOf(options: Options, engines: Engines): Engine | undefined {
  const { restorers } = engines;
  if (options.restorer === null) return restorers[0];
  return restorers.find((engine) => engine.name === options.restorer);
}

/** Whether the size of a photo says already that the server would refuse it. */
export function isTooLarge(bytes: number, mostBytes: number | undefined): boolean {
  return mostBytes !== undefined && bytes > mostBytes;
}
