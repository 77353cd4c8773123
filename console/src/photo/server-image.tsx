import { useQuery } from "@tanstack/react-query";
import { UserRound } from "lucide-react";
import { useState } from "react";
import { authorisedFetch } from "#/api/client";
import { currentKey } from "#/api/key";
import { useObjectUrl } from "#/photo/object-url";
import classes from "#/photo/photo.module.css";

interface ServerImageProps {
  src: string | null;
  alt: string;
  className?: string;
}

/** A photo the server keeps. An <img> cannot send the API key: when there is one, the photo is fetched with it. */
export function ServerImage({ src, alt, className }: ServerImageProps) {
  const [broken, setBroken] = useState<string | null>(null);
  const withKey = currentKey() !== null;
  const photo = useQuery({
    queryKey: ["server-image", src],
    queryFn: async ({ signal }) => {
      const response = await authorisedFetch(new Request(src ?? "", { signal }));
      if (!response.ok) throw new Error(`HTTP ${response.status}`);
      return response.blob();
    },
    enabled: withKey && src !== null,
    staleTime: Number.POSITIVE_INFINITY,
  });
  const url = useObjectUrl(photo.data);
  const shown = withKey ? url : src;
  if (!src || broken === src || photo.isError) {
    return (
      <div className={`${classes.placeholder} ${className ?? ""}`} role="img" aria-label={alt}>
        <UserRound strokeWidth={1.4} aria-hidden />
      </div>
    );
  }
  return (
    <img
      className={className}
      src={shown ?? undefined}
      alt={alt}
      loading="lazy"
      onError={() => setBroken(src)}
    />
  );
}
