import { ActionIcon, Group, Menu, Text, Title } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { Ban, CalendarMinus, EllipsisVertical, Trash2 } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useMay } from "#/account/session";
import { useFormat } from "#/i18n/format";
import { ConsentFacts } from "#/swap/consents/consent-facts";
import { ConsentStatus } from "#/swap/consents/consent-status";
import classes from "#/swap/consents/consents.module.css";
import { DeleteDialog } from "#/swap/consents/delete-dialog";
import { RevokeDialog } from "#/swap/consents/revoke-dialog";
import { ScopeBadges } from "#/swap/consents/scope-badges";
import { ShortenDialog } from "#/swap/consents/shorten-dialog";
import { SubjectFace } from "#/swap/consents/subject-face";
import type { Consent } from "#/swap/types";

export function ConsentCard({ consent }: { consent: Consent }) {
  const { t } = useTranslation();
  const format = useFormat();
  return (
    <li className={`surface ${classes.card}`} data-testid="consent">
      <div className={classes.head}>
        <SubjectFace consent={consent} className={classes.face ?? ""} />
        <div className={classes.main}>
          <Group justify="space-between" gap="xs" wrap="nowrap" align="flex-start">
            <Title order={2} size="h5" style={{ overflowWrap: "anywhere" }}>
              {consent.person_id ? (
                <Link
                  className={classes.link}
                  to="/gallery/$personId"
                  params={{ personId: consent.person_id }}
                >
                  {consent.subject_name}
                </Link>
              ) : (
                consent.subject_name
              )}
            </Title>
            <ConsentMenu consent={consent} />
          </Group>
          <Text size="sm" className={classes.purpose}>
            {consent.purpose}
          </Text>
          <Group gap="xs" mt={6}>
            <ConsentStatus consent={consent} />
            <ScopeBadges scopes={consent.scopes} />
          </Group>
        </div>
      </div>
      <Text size="sm" c="dimmed" className="tabular">
        {t("consents.until", { moment: format.dateTime(consent.valid_until) })} ·{" "}
        {t("consents.uses", { count: consent.uses })}
      </Text>
      <details className={classes.details}>
        <summary>{t("consents.facts.title")}</summary>
        <ConsentFacts consent={consent} />
      </details>
    </li>
  );
}

function ConsentMenu({ consent }: { consent: Consent }) {
  const { t } = useTranslation();
  const [asked, setAsked] = useState<"shorten" | "revoke" | "delete" | null>(null);
  const mayManage = useMay("swap:manage");
  const isRevoked = consent.revoked_at !== null;
  if (!mayManage || (isRevoked && consent.uses > 0)) return null;
  const close = () => setAsked(null);
  return (
    <>
      <Menu>
        <Menu.Target>
          <ActionIcon
            color="gray"
            size={26}
            aria-label={t("consents.actions", { name: consent.subject_name, purpose: consent.purpose })}
          >
            <EllipsisVertical size={17} />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          {consent.status === "valid" && (
            <Menu.Item leftSection={<CalendarMinus size={15} />} onClick={() => setAsked("shorten")}>
              {t("consents.shorten.open")}
            </Menu.Item>
          )}
          {!isRevoked && (
            <Menu.Item color="cinnabar" leftSection={<Ban size={15} />} onClick={() => setAsked("revoke")}>
              {t("consents.revoke.open")}
            </Menu.Item>
          )}
          {consent.uses === 0 && (
            <Menu.Item color="cinnabar" leftSection={<Trash2 size={15} />} onClick={() => setAsked("delete")}>
              {t("consents.delete.open")}
            </Menu.Item>
          )}
        </Menu.Dropdown>
      </Menu>
      {asked === "shorten" && <ShortenDialog consent={consent} onClose={close} />}
      {asked === "revoke" && <RevokeDialog consent={consent} onClose={close} />}
      {asked === "delete" && <DeleteDialog consent={consent} onClose={close} />}
    </>
  );
}
