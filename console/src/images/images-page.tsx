import { Center, Pagination, Skeleton, Stack, Text } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { ImagePlus } from "lucide-react";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { useFormat } from "#/i18n/format";
import { DeletePictureDialog } from "#/images/delete-picture-dialog";
import classes from "#/images/images.module.css";
import { PictureCard } from "#/images/picture-card";
import { imagesQuery, PAGE_SIZE } from "#/images/queries";
import type { StoredImage } from "#/images/types";
import { UploadList } from "#/images/upload-list";
import { uploads } from "#/images/uploads";
import { PhotoInput } from "#/photo/photo-input";
import { EmptyState } from "#/shell/empty-state";
import { PageHeader } from "#/shell/page-header";
import { ProblemAlert } from "#/shell/problem";

const route = getRouteApi("/images");
const PLACEHOLDERS = ["a", "b", "c", "d", "e", "f", "g", "h"];

export function ImagesPage() {
  const { t } = useTranslation();
  const client = useQueryClient();
  useEffect(() => {
    // Left in place when the page is: pictures arrive all the same.
    uploads.onArrived = () => void client.invalidateQueries({ queryKey: ["images"] });
  }, [client]);
  return (
    <>
      <PageHeader title={t("images.title")} intro={t("images.intro")} />
      <Stack gap="lg">
        <PhotoInput
          multiple
          compact
          wholePage
          onPhotos={(files) => uploads.add(files)}
          hint={t("images.formats")}
        />
        <UploadList />
        <Pictures />
      </Stack>
    </>
  );
}

function Pictures() {
  const { t } = useTranslation();
  const format = useFormat();
  const { page = 1 } = route.useSearch();
  const navigate = route.useNavigate();
  const [deleted, setDeleted] = useState<StoredImage | null>(null);
  const list = useQuery(imagesQuery(page));
  const open = (next: number) => void navigate({ search: next > 1 ? { page: next } : {} });
  const pages = list.data ? Math.max(1, Math.ceil(list.data.total / PAGE_SIZE)) : 1;
  // The last picture of the last page was deleted.
  useEffect(() => {
    if (list.data && !list.isPlaceholderData && page > pages)
      void navigate({ search: pages > 1 ? { page: pages } : {}, replace: true });
  }, [list.data, list.isPlaceholderData, page, pages, navigate]);
  if (list.isPending) {
    return (
      <div className={classes.grid} aria-busy="true">
        {PLACEHOLDERS.map((key) => (
          <Skeleton key={key} height={220} radius="lg" />
        ))}
      </div>
    );
  }
  if (!list.data) return <ProblemAlert error={list.error} onRetry={() => void list.refetch()} />;
  if (list.data.total === 0)
    return <EmptyState icon={ImagePlus} title={t("images.empty.title")} text={t("images.empty.text")} />;
  return (
    <section aria-label={t("images.title")}>
      {list.error && <ProblemAlert error={list.error} onRetry={() => void list.refetch()} />}
      <Text size="sm" c="dimmed" mb="sm" className="tabular">
        {t("images.count", { count: list.data.total, shown: format.number(list.data.total) })}
      </Text>
      <ul className={classes.grid}>
        {list.data.images.map((image) => (
          <PictureCard key={image.image_id} image={image} onDelete={() => setDeleted(image)} />
        ))}
      </ul>
      {pages > 1 && (
        <Center py="xl">
          <Pagination
            total={pages}
            value={page}
            onChange={open}
            vars={() => ({ root: { "--pagination-active-color": "var(--on-ink)" } })}
            getControlProps={(control) => ({ "aria-label": t(`images.pages.${control}`) })}
            getItemProps={(item) => ({ "aria-label": t("images.pages.number", { page: item }) })}
          />
        </Center>
      )}
      {deleted && <DeletePictureDialog image={deleted} onClose={() => setDeleted(null)} />}
    </section>
  );
}
