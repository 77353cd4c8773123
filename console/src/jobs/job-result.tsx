import { Button } from "@mantine/core";
import { Link, type LinkProps } from "@tanstack/react-router";
import { ArrowRight } from "lucide-react";
import { useTranslation } from "react-i18next";
import { type Scope, useUser } from "#/account/session";
import type { Job } from "#/api/types";
import { JsonView } from "#/json/json-view";

type PageName = "bulk" | "calibration" | "capacity" | "health" | "images" | "packs" | "swap";

interface ResultPage {
  name: PageName;
  /** What one needs to be shown it. */
  scope: Scope;
  to: LinkProps;
}

/** What came of a job: where a page shows it, the way there; else all that the job says. */
export function JobResult({ job }: { job: Job }) {
  const { t } = useTranslation();
  const scopes = useUser()?.scopes ?? [];
  const page = pageOf(job);
  if (!page || !scopes.includes(page.scope))
    return job.result && <JsonView value={job.result} label={t("jobs.result")} />;
  return (
    <Button
      variant="default"
      rightSection={<ArrowRight size={16} />}
      renderRoot={(props) => <Link {...props} {...page.to} />}
      style={{ alignSelf: "start" }}
    >
      {t(`jobs.pages.${page.name}`)}
    </Button>
  );
}

/** The page that shows what came of it; a job without a result is told by its state alone. */
function pageOf({ job_id: jobId, kind, result, parameters }: Job): ResultPage | null {
  if (!result) return null;
  const { image_id: imageId, pack, pack_version: version } = parameters;
  switch (kind) {
    case "gallery.health":
      return { name: "health", scope: "gallery:manage", to: { to: "/gallery-health" } };
    case "gallery.calibrate":
      return typeof pack === "string" && typeof version === "string"
        ? {
            name: "calibration",
            scope: "gallery:manage",
            to: { to: "/calibration", search: { pack: `${pack}@${version}` } },
          }
        : null;
    case "server.capacity":
      return { name: "capacity", scope: "system:manage", to: { to: "/capacity" } };
    case "gallery.reembed":
    case "pack.pull":
      return { name: "packs", scope: "models:read", to: { to: "/packs" } };
    case "gallery.bulk_enrol":
      return { name: "bulk", scope: "gallery:enrol", to: { to: "/bulk" } };
    case "images.inference":
      return typeof imageId === "string"
        ? { name: "images", scope: "images", to: { to: "/images/$imageId", params: { imageId } } }
        : null;
    case "swap.run":
      return { name: "swap", scope: "swap", to: { to: "/swap", search: { job: jobId } } };
    default:
      return null;
  }
}
