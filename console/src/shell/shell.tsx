import { ActionIcon, AppShell, Box, Burger, Group, Text, Tooltip } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { Link, Outlet, useNavigate, useRouterState } from "@tanstack/react-router";
import { BookOpen, Keyboard } from "lucide-react";
import { useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";
import { AccountMenu } from "#/account/account-menu";
import { NotAllowed } from "#/account/allowed";
import { useUser } from "#/account/session";
import { LanguageSwitch } from "#/shell/language-switch";
import { Logo } from "#/shell/logo";
import { guarded, type Page, pages, sections } from "#/shell/navigation";
import { SchemeSwitch } from "#/shell/scheme-switch";
import classes from "#/shell/shell.module.css";
import { useShortcuts } from "#/shell/shortcuts";
import { ShortcutsDialog } from "#/shell/shortcuts-dialog";

export function Shell() {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const [navOpened, nav] = useDisclosure(false);
  const [helpOpened, help] = useDisclosure(false);
  const main = useFocusOnNavigation(nav.close);
  const list = useCurrentInView();
  const scopes = useUser()?.scopes ?? [];
  const mayOpen = (page: Page) => scopes.includes(page.scope);
  useShortcuts({
    "?": help.open,
    ...Object.fromEntries(
      pages.filter(mayOpen).map((page) => [`g ${page.key}`, () => void navigate({ to: page.path })]),
    ),
  });
  return (
    <>
      <button type="button" className={classes.skip} onClick={() => main.current?.focus()}>
        {t("shell.skip")}
      </button>
      <AppShell
        header={{ height: { base: 56, sm: 0 } }}
        navbar={{ width: 236, breakpoint: "sm", collapsed: { mobile: !navOpened } }}
        padding={{ base: "md", sm: "xl" }}
      >
        <AppShell.Header className={classes.header} hiddenFrom="sm">
          <Group h="100%" px="md" justify="space-between">
            <Brand />
            <Burger
              opened={navOpened}
              onClick={nav.toggle}
              size="sm"
              aria-label={t(navOpened ? "shell.closeNavigation" : "shell.openNavigation")}
            />
          </Group>
        </AppShell.Header>
        <AppShell.Navbar className={classes.navbar} p="sm" aria-label={t("shell.navigation")}>
          <Box px={6} pt={8} visibleFrom="sm">
            <Brand />
          </Box>
          <Box flex={1} className={classes.pages} ref={list}>
            {sections.map((section) => (
              <div key={section.name}>
                <div className={classes.section}>{t(`shell.sections.${section.name}`)}</div>
                {section.pages.filter(mayOpen).map((page) => (
                  <Link
                    key={page.name}
                    to={page.path}
                    className={classes.link}
                    activeOptions={{ exact: page.path === "/", includeSearch: false }}
                    onClick={nav.close}
                  >
                    <page.icon size={19} strokeWidth={1.8} aria-hidden />
                    {t(`shell.pages.${page.name}`)}
                  </Link>
                ))}
              </div>
            ))}
          </Box>
          <AccountMenu />
          <Group className={classes.foot} gap={2} justify="space-between" wrap="nowrap">
            <LanguageSwitch />
            <Group gap={0} wrap="nowrap">
              <SchemeSwitch />
              <Tooltip label={t("shell.apiDocs")}>
                <ActionIcon component="a" href="/docs" color="gray" aria-label={t("shell.apiDocs")}>
                  <BookOpen size={18} />
                </ActionIcon>
              </Tooltip>
              <Tooltip label={`${t("shell.shortcuts.open")} (?)`}>
                <ActionIcon color="gray" aria-label={t("shell.shortcuts.open")} onClick={help.open}>
                  <Keyboard size={18} />
                </ActionIcon>
              </Tooltip>
            </Group>
          </Group>
        </AppShell.Navbar>
        <AppShell.Main id="content" ref={main} tabIndex={-1}>
          <div className={classes.main}>
            <AllowedOutlet />
          </div>
        </AppShell.Main>
      </AppShell>
      <ShortcutsDialog pages={pages.filter(mayOpen)} opened={helpOpened} onClose={help.close} />
    </>
  );
}

/** A page that is not offered may still be asked for by its address. */
function AllowedOutlet() {
  const path = useRouterState({ select: (state) => state.location.pathname });
  const scopes = useUser()?.scopes;
  const page = guarded.find((one) => path === one.path || path.startsWith(`${one.path}/`));
  return page && scopes && !scopes.includes(page.scope) ? <NotAllowed /> : <Outlet />;
}

function Brand() {
  const { t } = useTranslation();
  return (
    <Link to="/" className={classes.brand}>
      <Logo size={34} />
      <span>
        <span className={classes.brandName}>
          Lianpu<span className={classes.brandSeal}>脸谱</span>
        </span>
        <Text size="xs" c="dimmed" visibleFrom="sm">
          {t("shell.tagline")}
        </Text>
      </span>
    </Link>
  );
}

/** On a low screen the entry of the page that is open is not left out of sight. */
function useCurrentInView() {
  const path = useRouterState({ select: (state) => state.location.pathname });
  const list = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const links = [...(list.current?.querySelectorAll("a") ?? [])];
    const current = links.find((link) => link.pathname === `/${path.split("/")[1]}`);
    current?.scrollIntoView({ block: "nearest" });
  }, [path]);
  return list;
}

/** After a change of page the keyboard continues in its content, not where the old page's link was. */
function useFocusOnNavigation(onNavigated: () => void) {
  const path = useRouterState({ select: (state) => state.location.pathname });
  const main = useRef<HTMLElement>(null);
  const earlier = useRef(path);
  useEffect(() => {
    if (earlier.current === path) return;
    earlier.current = path;
    main.current?.focus({ preventScroll: true });
    onNavigated();
  }, [path, onNavigated]);
  return main;
}
