import { useTranslation } from "react-i18next";

/** What a job does, in the person's language where it is known. */
export function JobKind({ kind }: { kind: string }) {
  const { t } = useTranslation();
  const key = kind.replace(".", "_");
  return <>{t(`jobs.kinds.${key}` as "jobs.kinds.gallery_reembed", { defaultValue: kind })}</>;
}
