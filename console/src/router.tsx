import { createRootRoute, createRoute, createRouter, lazyRouteComponent } from "@tanstack/react-router";
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

export const router = createRouter({
  routeTree: root.addChildren([overview, gallery, person, search, compare]),
  defaultPreload: "intent",
  defaultErrorComponent: Crashed,
  scrollRestoration: true,
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}
