import {
  BadgeCheck,
  Cctv,
  Cog,
  FileCheck,
  Gauge,
  HeartPulse,
  Image,
  Images,
  ListChecks,
  type LucideIcon,
  Package,
  ScanSearch,
  ScrollText,
  SlidersHorizontal,
  Sparkles,
  SquareSplitHorizontal,
  Timer,
  UserRoundSearch,
  UsersRound,
  VenetianMask,
} from "lucide-react";

import type { Scope } from "#/account/session";

/** The pages of the console: a new page is one entry here, its texts and its route. */
export interface Page {
  name:
    | "overview"
    | "gallery"
    | "health"
    | "search"
    | "compare"
    | "calibration"
    | "images"
    | "enhance"
    | "streams"
    | "unknowns"
    | "swap"
    | "consents"
    | "swapEngines"
    | "verify"
    | "packs"
    | "jobs"
    | "users"
    | "audit"
    | "capacity";
  path:
    | "/"
    | "/gallery"
    | "/gallery-health"
    | "/search"
    | "/compare"
    | "/calibration"
    | "/images"
    | "/enhance"
    | "/streams"
    | "/unknowns"
    | "/swap"
    | "/consents"
    | "/swap-engines"
    | "/verify"
    | "/packs"
    | "/jobs"
    | "/users"
    | "/audit"
    | "/capacity";
  /** What one needs to be offered it. */
  scope: Scope;
  icon: LucideIcon;
  /** Second key of the shortcut that starts with g. */
  key: string;
}

export interface Section {
  name: "library" | "swap" | "server";
  pages: Page[];
}

export const sections: Section[] = [
  {
    name: "library",
    pages: [
      { name: "gallery", scope: "gallery:read", path: "/gallery", icon: Images, key: "g" },
      { name: "search", scope: "gallery:recognise", path: "/search", icon: ScanSearch, key: "s" },
      {
        name: "compare",
        scope: "gallery:recognise",
        path: "/compare",
        icon: SquareSplitHorizontal,
        key: "c",
      },
      { name: "health", scope: "gallery:manage", path: "/gallery-health", icon: HeartPulse, key: "h" },
      {
        name: "calibration",
        scope: "gallery:manage",
        path: "/calibration",
        icon: SlidersHorizontal,
        key: "t",
      },
      { name: "images", scope: "images", path: "/images", icon: Image, key: "i" },
      { name: "enhance", scope: "enhance:use", path: "/enhance", icon: Sparkles, key: "e" },
      { name: "streams", scope: "streams:read", path: "/streams", icon: Cctv, key: "v" },
      { name: "unknowns", scope: "streams:read", path: "/unknowns", icon: UserRoundSearch, key: "w" },
    ],
  },
  {
    name: "swap",
    pages: [
      { name: "swap", scope: "swap", path: "/swap", icon: VenetianMask, key: "f" },
      { name: "consents", scope: "swap:read", path: "/consents", icon: FileCheck, key: "n" },
      { name: "swapEngines", scope: "swap:read", path: "/swap-engines", icon: Cog, key: "x" },
      { name: "verify", scope: "provenance:verify", path: "/verify", icon: BadgeCheck, key: "y" },
    ],
  },
  {
    name: "server",
    pages: [
      { name: "overview", scope: "system:read", path: "/", icon: Gauge, key: "o" },
      { name: "packs", scope: "models:read", path: "/packs", icon: Package, key: "p" },
      { name: "jobs", scope: "jobs:read", path: "/jobs", icon: ListChecks, key: "j" },
      { name: "users", scope: "users:manage", path: "/users", icon: UsersRound, key: "u" },
      { name: "audit", scope: "audit:read", path: "/audit", icon: ScrollText, key: "a" },
      { name: "capacity", scope: "system:manage", path: "/capacity", icon: Timer, key: "b" },
    ],
  },
];

export const pages: Page[] = sections.flatMap((section) => section.pages);

/** What an address may be asked for that one needs a scope for. */
export const guarded: { path: string; scope: Scope }[] = [
  ...pages.filter((page) => page.path !== "/"),
  { path: "/bulk", scope: "gallery:enrol" },
];
