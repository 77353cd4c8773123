import { Text } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import type { Person } from "#/api/types";
import classes from "#/gallery/gallery.module.css";
import { PersonMenu } from "#/gallery/person-menu";
import { thumbnailOf } from "#/photo/addresses";
import { ServerImage } from "#/photo/server-image";

export function PersonCard({ person }: { person: Person }) {
  const { t } = useTranslation();
  return (
    <li className={`surface ${classes.card}`} data-testid="person-card">
      <ServerImage src={thumbnailOf(person)} alt="" className={classes.portrait ?? ""} />
      <div className={classes.caption}>
        <Link to="/gallery/$personId" params={{ personId: person.person_id }} className={classes.cardLink}>
          <Text fw={600} className="truncate" title={person.name}>
            {person.name}
          </Text>
        </Link>
        <Text size="xs" c="dimmed" className="truncate" pr={30}>
          {person.image_count > 0 ? t("gallery.images", { count: person.image_count }) : t("gallery.noPhoto")}
        </Text>
      </div>
      <div className={classes.cardMenu}>
        <PersonMenu person={person} />
      </div>
    </li>
  );
}
