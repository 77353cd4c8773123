import type { NormalizedBox } from "#/api/problem";
import { cropStyle } from "#/photo/box";
import classes from "#/photo/photo.module.css";

interface FaceCropProps {
  src: string | undefined;
  box: NormalizedBox;
  photo: { width: number; height: number };
  className?: string | undefined;
}

/** One face cut out of a photo that the browser already has. Decoration: what it shows is named beside it. */
export function FaceCrop({ src, box, photo, className }: FaceCropProps) {
  return (
    <div className={`${classes.crop} ${className ?? ""}`}>
      <img src={src} alt="" style={cropStyle(box, photo)} />
    </div>
  );
}
