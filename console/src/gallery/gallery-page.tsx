import { Button, Center, CloseButton, SegmentedControl, Skeleton, TextInput, Tooltip } from "@mantine/core";
import { useDebouncedCallback, useIntersection, useLocalStorage } from "@mantine/hooks";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { LayoutGrid, List, PackageOpen, SearchX, UserPlus, UsersRound } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { useDropzone } from "react-dropzone";
import { useTranslation } from "react-i18next";
import { Allowed } from "#/account/allowed";
import { useMay } from "#/account/session";
import { statusQuery } from "#/api/queries";
import { EnrolDialog, type EnrolStart } from "#/gallery/enrol/enrol-dialog";
import classes from "#/gallery/gallery.module.css";
import { PersonCard } from "#/gallery/person-card";
import { PersonTable } from "#/gallery/person-table";
import { personsQuery } from "#/gallery/queries";
import { EmptyState } from "#/shell/empty-state";
import { PageHeader } from "#/shell/page-header";
import { ProblemAlert } from "#/shell/problem";
import { useShortcuts } from "#/shell/shortcuts";

const route = getRouteApi("/gallery");
const PLACEHOLDERS = ["a", "b", "c", "d", "e", "f", "g", "h"];
const FILTER_DELAY_MS = 250;

export function GalleryPage() {
  const { t } = useTranslation();
  const { name = "" } = route.useSearch();
  const [start, setStart] = useState<EnrolStart | null>(null);
  const mayEnrol = useMay("gallery:enrol");
  const status = useQuery(statusQuery);
  const filter = useRef<HTMLInputElement>(null);
  const [view, setView] = useLocalStorage<"grid" | "list">({
    key: "lianpu.gallery-view",
    defaultValue: "grid",
  });
  const { getRootProps, getInputProps, isDragActive } = useDropzone({
    noClick: true,
    noKeyboard: true,
    noDrag: !mayEnrol,
    onDrop: (files) => files.length > 0 && setStart({ files }),
  });
  useShortcuts({ n: () => mayEnrol && setStart({ files: [] }), "/": () => filter.current?.focus() });
  const count = status.data?.gallery.persons;
  return (
    <>
      <div
        {...getRootProps({ className: classes.dropZone, role: "presentation", "data-over": isDragActive })}
      >
        <input {...getInputProps({ "aria-hidden": true })} />
        <PageHeader
          title={t("gallery.title")}
          intro={count === undefined || count === 0 ? t("gallery.intro") : t("gallery.count", { count })}
        >
          <NameFilter name={name} inputRef={filter} />
          <SegmentedControl
            aria-label={t("gallery.view.label")}
            value={view}
            onChange={(value) => setView(value as "grid" | "list")}
            data={[
              { value: "grid", label: <ViewIcon icon={LayoutGrid} label={t("gallery.view.grid")} /> },
              { value: "list", label: <ViewIcon icon={List} label={t("gallery.view.list")} /> },
            ]}
          />
          {mayEnrol && (
            <Button
              variant="default"
              leftSection={<PackageOpen size={18} />}
              renderRoot={(props) => <Link {...props} to="/bulk" />}
            >
              {t("gallery.bulk")}
            </Button>
          )}
          {mayEnrol && (
            <Button leftSection={<UserPlus size={18} />} onClick={() => setStart({ files: [] })}>
              {t("gallery.enrol")}
            </Button>
          )}
        </PageHeader>
        <Persons name={name} view={view} onEnrol={() => setStart({ files: [] })} />
        {isDragActive && <div className={classes.dropNote}>{t("gallery.dropHere")}</div>}
      </div>
      {/* Outside the drop zone: React passes a dialog's drops on to the zone it is written in. */}
      <EnrolDialog start={start} onClose={() => setStart(null)} />
    </>
  );
}

function Persons({ name, view, onEnrol }: { name: string; view: "grid" | "list"; onEnrol: () => void }) {
  const { t } = useTranslation();
  const navigate = route.useNavigate();
  const list = useInfiniteQuery(personsQuery(name));
  const mayEnrol = useMay("gallery:enrol");
  const end = useIntersection({ rootMargin: "600px" });
  const { hasNextPage, isFetchingNextPage, isFetchNextPageError, fetchNextPage } = list;
  const reached = end.entry?.isIntersecting ?? false;
  useEffect(() => {
    if (reached && hasNextPage && !isFetchingNextPage && !isFetchNextPageError) void fetchNextPage();
  }, [reached, hasNextPage, isFetchingNextPage, isFetchNextPageError, fetchNextPage]);
  if (list.isPending) {
    return (
      <div className={classes.grid} aria-busy="true">
        {PLACEHOLDERS.map((key) => (
          <Skeleton key={key} height={236} radius="lg" />
        ))}
      </div>
    );
  }
  if (!list.data) return <ProblemAlert error={list.error} onRetry={() => void list.refetch()} />;
  const persons = list.data.pages.flatMap((page) => page.persons);
  if (persons.length === 0 && name) {
    return (
      <EmptyState
        icon={SearchX}
        title={t("gallery.noMatch.title", { name })}
        text={t("gallery.noMatch.text")}
      >
        <Button variant="default" onClick={() => void navigate({ search: {} })}>
          {t("gallery.clearFilter")}
        </Button>
      </EmptyState>
    );
  }
  if (persons.length === 0) {
    return (
      <EmptyState
        icon={UsersRound}
        title={t("gallery.empty.title")}
        text={t(mayEnrol ? "gallery.empty.text" : "gallery.empty.textReader")}
      >
        <Allowed scope="gallery:enrol">
          <Button leftSection={<UserPlus size={18} />} onClick={onEnrol}>
            {t("gallery.empty.action")}
          </Button>
        </Allowed>
      </EmptyState>
    );
  }
  return (
    <>
      {view === "grid" ? (
        <ul className={classes.grid}>
          {persons.map((person) => (
            <PersonCard key={person.person_id} person={person} />
          ))}
        </ul>
      ) : (
        <PersonTable persons={persons} />
      )}
      {list.error && <ProblemAlert error={list.error} onRetry={() => void fetchNextPage()} />}
      {hasNextPage && (
        <Center ref={end.ref} py="xl">
          <Button variant="default" loading={isFetchingNextPage} onClick={() => void fetchNextPage()}>
            {t("gallery.more")}
          </Button>
        </Center>
      )}
    </>
  );
}

/** The filter lives in the address, so that the way back from a person leads to the same list. */
function NameFilter({
  name,
  inputRef,
}: {
  name: string;
  inputRef: React.RefObject<HTMLInputElement | null>;
}) {
  const { t } = useTranslation();
  const navigate = route.useNavigate();
  const [text, setText] = useState(name);
  useEffect(() => {
    if (!name) setText("");
  }, [name]);
  const apply = useDebouncedCallback(
    (value: string) => void navigate({ search: value.trim() ? { name: value.trim() } : {}, replace: true }),
    FILTER_DELAY_MS,
  );
  const change = (value: string) => {
    setText(value);
    apply(value);
  };
  return (
    <TextInput
      ref={inputRef}
      type="search"
      aria-label={t("gallery.filter")}
      placeholder={t("gallery.filter")}
      value={text}
      onChange={(event) => change(event.currentTarget.value)}
      rightSection={
        text && <CloseButton size="sm" aria-label={t("gallery.clearFilter")} onClick={() => change("")} />
      }
      w={220}
    />
  );
}

function ViewIcon({ icon: Icon, label }: { icon: typeof List; label: string }) {
  return (
    <Tooltip label={label}>
      <Center>
        <Icon size={18} role="img" aria-label={label} />
      </Center>
    </Tooltip>
  );
}
