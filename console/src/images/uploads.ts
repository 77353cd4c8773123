import { currentSession, onSession } from "#/api/session";
import { upload } from "#/api/upload";
import { UploadQueue } from "#/images/upload-queue";

/** The one queue of this tab. */
export const uploads = new UploadQueue((file, options) => {
  const form = new FormData();
  form.append("file", file, file.name);
  return upload("/api/v1/images/upload", form, options);
});

onSession(() => currentSession().kind === "anonymous" && uploads.clear());
