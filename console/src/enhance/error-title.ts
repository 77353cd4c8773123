import { useTranslation } from "react-i18next";

/** The title of an error that the server tells beside an answer, in the person's language where it is known. */
export function useErrorTitle(): (error: { code: string; title: string }) => string {
  const { t } = useTranslation();
  return ({ code, title }) =>
    t(`problem.titles.${code}` as "problem.titles.several_faces", { defaultValue: title });
}
