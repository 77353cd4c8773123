import { createRootRoute, createRoute, createRouter, lazyRouteComponent } from "@tanstack/react-router";
import { filterOf } from "#/audit/filter";
import { Crashed, NotFound } from "#/shell/dead-ends";
import { Shell } from "#/shell/shell";

const root = createRootRoute({ component: Shell, notFoundComponent: NotFound, errorComponent: Crashed });

const overview = createRoute({
  getParentRoute: () => root,
  path: "/",
  component: lazyRouteComponent(() => import("#/overview/overview-page"), "OverviewPage"),
});

const gallery = createRoute({
  getParentRoute: () => root,
  path: "/gallery",
  validateSearch: (search: Record<string, unknown>): { name?: string } =>
    typeof search.name === "string" && search.name ? { name: search.name } : {},
  component: lazyRouteComponent(() => import("#/gallery/gallery-page"), "GalleryPage"),
});

const person = createRoute({
  getParentRoute: () => root,
  path: "/gallery/$personId",
  component: lazyRouteComponent(() => import("#/gallery/person/person-page"), "PersonPage"),
});

const bulk = createRoute({
  getParentRoute: () => root,
  path: "/bulk",
  component: lazyRouteComponent(() => import("#/gallery/bulk/bulk-page"), "BulkPage"),
});

const health = createRoute({
  getParentRoute: () => root,
  path: "/gallery-health",
  component: lazyRouteComponent(() => import("#/health/health-page"), "HealthPage"),
});

const calibration = createRoute({
  getParentRoute: () => root,
  path: "/calibration",
  validateSearch: (search: Record<string, unknown>): { pack?: string } =>
    typeof search.pack === "string" && search.pack ? { pack: search.pack } : {},
  component: lazyRouteComponent(() => import("#/calibration/calibration-page"), "CalibrationPage"),
});

const capacity = createRoute({
  getParentRoute: () => root,
  path: "/capacity",
  component: lazyRouteComponent(() => import("#/capacity/capacity-page"), "CapacityPage"),
});

const packs = createRoute({
  getParentRoute: () => root,
  path: "/packs",
  component: lazyRouteComponent(() => import("#/packs/packs-page"), "PacksPage"),
});

const search = createRoute({
  getParentRoute: () => root,
  path: "/search",
  component: lazyRouteComponent(() => import("#/search/search-page"), "SearchPage"),
});

const compare = createRoute({
  getParentRoute: () => root,
  path: "/compare",
  component: lazyRouteComponent(() => import("#/compare/compare-page"), "ComparePage"),
});

const jobs = createRoute({
  getParentRoute: () => root,
  path: "/jobs",
  validateSearch: (search: Record<string, unknown>): { job?: string } =>
    typeof search.job === "string" && search.job ? { job: search.job } : {},
  component: lazyRouteComponent(() => import("#/jobs/jobs-page"), "JobsPage"),
});

const audit = createRoute({
  getParentRoute: () => root,
  path: "/audit",
  validateSearch: filterOf,
  component: lazyRouteComponent(() => import("#/audit/audit-page"), "AuditPage"),
});

const streams = createRoute({
  getParentRoute: () => root,
  path: "/streams",
  component: lazyRouteComponent(() => import("#/streams/streams-page"), "StreamsPage"),
});

const unknowns = createRoute({
  getParentRoute: () => root,
  path: "/unknowns",
  component: lazyRouteComponent(() => import("#/unknowns/unknowns-page"), "UnknownsPage"),
});

const stream = createRoute({
  getParentRoute: () => root,
  path: "/streams/$streamId",
  component: lazyRouteComponent(() => import("#/streams/stream-page"), "StreamPage"),
});

const images = createRoute({
  getParentRoute: () => root,
  path: "/images",
  validateSearch: (search: Record<string, unknown>): { page?: number } =>
    Number.isInteger(search.page) && Number(search.page) > 1 ? { page: Number(search.page) } : {},
  component: lazyRouteComponent(() => import("#/images/images-page"), "ImagesPage"),
});

const enhance = createRoute({
  getParentRoute: () => root,
  path: "/enhance",
  validateSearch: (search: Record<string, unknown>): { batch?: true } =>
    search.batch === true ? { batch: true } : {},
  component: lazyRouteComponent(() => import("#/enhance/enhance-page"), "EnhancePage"),
});

const picture = createRoute({
  getParentRoute: () => root,
  path: "/images/$imageId",
  component: lazyRouteComponent(() => import("#/images/picture-page"), "PicturePage"),
});

const swap = createRoute({
  getParentRoute: () => root,
  path: "/swap",
  validateSearch: (search: Record<string, unknown>): { mode?: "live"; job?: string } => ({
    ...(search.mode === "live" && { mode: "live" }),
    ...(typeof search.job === "string" && search.job && { job: search.job }),
  }),
  component: lazyRouteComponent(() => import("#/swap/swap-page"), "SwapPage"),
});

const consents = createRoute({
  getParentRoute: () => root,
  path: "/consents",
  component: lazyRouteComponent(() => import("#/swap/consents/consents-page"), "ConsentsPage"),
});

const swapEngines = createRoute({
  getParentRoute: () => root,
  path: "/swap-engines",
  component: lazyRouteComponent(() => import("#/swap/engines/engines-page"), "EnginesPage"),
});

const verify = createRoute({
  getParentRoute: () => root,
  path: "/verify",
  component: lazyRouteComponent(() => import("#/provenance/verify-page"), "VerifyPage"),
});

const profile = createRoute({
  getParentRoute: () => root,
  path: "/profile",
  component: lazyRouteComponent(() => import("#/account/profile-page"), "ProfilePage"),
});

const users = createRoute({
  getParentRoute: () => root,
  path: "/users",
  component: lazyRouteComponent(() => import("#/account/users-page"), "UsersPage"),
});

// Whoever comes back by the one-time link is in already.
const setup = createRoute({
  getParentRoute: () => root,
  path: "/setup",
  component: lazyRouteComponent(() => import("#/overview/overview-page"), "OverviewPage"),
});

export const router = createRouter({
  routeTree: root.addChildren([
    overview,
    gallery,
    person,
    bulk,
    health,
    calibration,
    capacity,
    search,
    compare,
    packs,
    jobs,
    images,
    enhance,
    audit,
    streams,
    stream,
    unknowns,
    picture,
    swap,
    consents,
    swapEngines,
    verify,
    profile,
    users,
    setup,
  ]),
  defaultPreload: "intent",
  defaultErrorComponent: Crashed,
  scrollRestoration: true,
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}
