import { useEffect } from "react";
import { batchRun, photoRun, useRun } from "#/enhance/runs";

/** What lies in this tab alone would be lost with it. */
export function useLeaveWarning() {
  useRun(photoRun);
  useRun(batchRun);
  const isUnsaved = photoRun.isUnsaved || batchRun.isUnsaved;
  useEffect(() => {
    if (!isUnsaved) return;
    const ask = (event: BeforeUnloadEvent) => event.preventDefault();
    window.addEventListener("beforeunload", ask);
    return () => window.removeEventListener("beforeunload", ask);
  }, [isUnsaved]);
}
