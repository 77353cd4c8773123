import { useQuery } from "@tanstack/react-query";
import { UserRound } from "lucide-react";
import { useState } from "react";
import { authorisedFetch } from "#/api/client";
import { useObjectUrl } from "#/photo/object-url";
import classes from "#/photo/photo.module.css";

interface ServerImageProps {
  src: string | null;
  alt: string;
  className?: string;
}

/** A photo the server keeps. An <img> cannot say who asks: the photo is fetched as the user who is logged in. */
export function ServerImage({ src, alt, className }: ServerImageProps) {
  const [broken, setBroken] = useState<string | null>(null);
  const photo = useQuery({
    queryKey: ["server-image", src],
    queryFn: async ({ signal }) => {
      const response = await authorisedFetch(new Request(src ?? "", { signal }));
      if (!response.ok) throw new Error(`HTTP ${response.status}`);
      return response.blob();
    },
    enabled: src !== null,
    staleTime: Number.POSITIVE_INFINITY,
  });
  const url = useObjectUrl(photo.data);
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
      src={url ?? undefined}
      alt={alt}
      loading="lazy"
      onError={() => setBroken(src)}
    />
  );
}
