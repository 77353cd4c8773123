import { useEffect, useRef } from "react";

/** Takes the first photo that is pasted anywhere on the page, unless a dialog is open. */
export function usePaste(enabled: boolean, onPhotos: (files: File[]) => void) {
  const current = useRef(onPhotos);
  useEffect(() => {
    current.current = onPhotos;
  });
  useEffect(() => {
    if (!enabled) return;
    const onPaste = (event: ClipboardEvent) => {
      const files = [...(event.clipboardData?.files ?? [])].filter((file) => file.type.startsWith("image/"));
      const [first] = files;
      if (!first || document.querySelector("[role=dialog]")) return;
      event.preventDefault();
      current.current([first]);
    };
    document.addEventListener("paste", onPaste);
    return () => document.removeEventListener("paste", onPaste);
  }, [enabled]);
}
