import { useEffect, useState } from "react";

/** An address for a file or blob that lives as long as the component shows it. */
export function useObjectUrl(source: Blob | null | undefined): string | undefined {
  const [url, setUrl] = useState<string>();
  useEffect(() => {
    if (!source) {
      setUrl(undefined);
      return;
    }
    const fresh = URL.createObjectURL(source);
    setUrl(fresh);
    return () => URL.revokeObjectURL(fresh);
  }, [source]);
  return url;
}
