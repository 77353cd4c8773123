import { useMutation } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { upload } from "#/api/upload";

export interface Sent {
  sentBytes: number;
  totalBytes: number;
}

interface UploadRequest {
  path: string;
  form: FormData;
  headers?: Record<string, string>;
}

/** One upload at a time, with how far it is and the way to stop it; it ends with the page. */
export function useUpload<Answer>(onDone?: (answer: Answer) => void) {
  const [sent, setSent] = useState<Sent | null>(null);
  const running = useRef<AbortController | null>(null);
  useEffect(() => () => running.current?.abort(), []);
  const sending = useMutation({
    mutationFn: async ({ path, form, headers = {} }: UploadRequest) => {
      const control = new AbortController();
      running.current = control;
      const onProgress = (sentBytes: number, totalBytes: number) => setSent({ sentBytes, totalBytes });
      return (await upload(path, form, { headers, onProgress, signal: control.signal })) as Answer;
    },
    onSuccess: (answer) => onDone?.(answer),
    onSettled: () => setSent(null),
    meta: { told: true },
  });
  // Whoever stopped it knows.
  const error = sending.error instanceof DOMException ? null : sending.error;
  return { ...sending, error, sent, stop: () => running.current?.abort() };
}
