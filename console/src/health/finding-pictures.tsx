import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import type { HealthFinding } from "#/api/types";
import { personQuery } from "#/gallery/queries";
import { needsOwnPhotos, type Picture, picturesOf } from "#/health/findings";
import classes from "#/health/health.module.css";
import { imageThumbnail, personThumbnail } from "#/photo/addresses";
import { ServerImage } from "#/photo/server-image";

const OTHERS_SHOWN = 4;

/** The photos side by side, each with whose it is. */
export function FindingPictures({ finding }: { finding: HealthFinding }) {
  const [first, ...rest] = picturesOf(finding);
  const { t } = useTranslation();
  const isNumbered = finding.kind === "outlier_image" && finding.images.length > 1;
  return (
    <div className={classes.pictures}>
      {first && <Photo picture={first} label={isNumbered ? "1" : null} />}
      {first && needsOwnPhotos(finding) && (
        <OtherPhotos of={first} label={t("health.others", { name: first.name })} />
      )}
      {rest.map((picture, index) => (
        <Photo
          key={`${picture.personId} ${picture.imageId}`}
          picture={picture}
          label={isNumbered ? String(index + 2) : null}
        />
      ))}
    </div>
  );
}

function Photo({ picture, label }: { picture: Picture; label: string | null }) {
  const { personId, imageId, name } = picture;
  return (
    <figure className={classes.picture}>
      <ServerImage
        src={imageId === null ? personThumbnail(personId) : imageThumbnail(personId, imageId)}
        alt={name}
        className={classes.photo ?? ""}
      />
      <figcaption className="truncate" title={name}>
        {label !== null && <b className="tabular">{label} · </b>}
        <Link to="/gallery/$personId" params={{ personId }} className={classes.name}>
          {name}
        </Link>
      </figcaption>
    </figure>
  );
}

function OtherPhotos({ of, label }: { of: Picture; label: string }) {
  const person = useQuery(personQuery(of.personId));
  const others = (person.data?.images ?? [])
    .filter((image) => image.image_id !== of.imageId)
    .slice(0, OTHERS_SHOWN);
  if (others.length === 0) return null;
  return (
    <figure className={classes.picture}>
      <div className={classes.others}>
        {others.map((image) => (
          <ServerImage
            key={image.image_id}
            src={imageThumbnail(of.personId, image.image_id)}
            alt=""
            className={classes.small ?? ""}
          />
        ))}
      </div>
      <figcaption className="truncate" title={label}>
        {label}
      </figcaption>
    </figure>
  );
}
