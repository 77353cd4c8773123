import { Title } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { useFormat } from "#/i18n/format";
import classes from "#/images/images.module.css";
import type { StoredImage } from "#/images/types";

export function PictureFacts({ image }: { image: StoredImage }) {
  const { t } = useTranslation();
  const format = useFormat();
  const facts = [
    [t("images.facts.size"), `${image.width} × ${image.height}`],
    [t("images.facts.type"), `${image.media_type} · ${format.bytes(image.size_bytes)}`],
    [t("images.facts.added"), format.dateTime(image.created_at)],
  ] as const;
  return (
    <section className={`surface ${classes.panel} ${classes.last}`}>
      <Title order={2} size="h5" mb="sm">
        {t("images.facts.title")}
      </Title>
      <dl className={classes.facts}>
        {facts.map(([name, value]) => (
          <Fact key={name} name={name}>
            {value}
          </Fact>
        ))}
        <Fact name="SHA-256">
          <code title={image.sha256}>{image.sha256.slice(0, 16)}…</code>
        </Fact>
      </dl>
    </section>
  );
}

function Fact({ name, children }: { name: string; children: React.ReactNode }) {
  return (
    <>
      <dt>{name}</dt>
      <dd className="tabular">{children}</dd>
    </>
  );
}
