import { Alert, Button } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { Compass } from "lucide-react";
import { useTranslation } from "react-i18next";
import { EmptyState } from "#/shell/empty-state";

export function NotFound() {
  const { t } = useTranslation();
  return (
    <EmptyState icon={Compass} title={t("shell.notFound.title")} text={t("shell.notFound.text")}>
      <Button component={Link} to="/">
        {t("shell.notFound.back")}
      </Button>
    </EmptyState>
  );
}

export function Crashed({ error }: { error: unknown }) {
  const { t } = useTranslation();
  return (
    <Alert color="cinnabar" title={t("shell.crashed.title")} role="alert">
      <p>{t("shell.crashed.text")}</p>
      <pre style={{ whiteSpace: "pre-wrap" }}>{error instanceof Error ? error.message : String(error)}</pre>
      <Button variant="default" onClick={() => location.reload()}>
        {t("shell.crashed.reload")}
      </Button>
    </Alert>
  );
}
