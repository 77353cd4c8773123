import { Gauge, Images, type LucideIcon, ScanSearch, SquareSplitHorizontal } from "lucide-react";

/** The pages of the console: a new page is one entry here, its texts and its route. */
export interface Page {
  name: "overview" | "gallery" | "search" | "compare";
  path: "/" | "/gallery" | "/search" | "/compare";
  icon: LucideIcon;
  /** Second key of the shortcut that starts with g. */
  key: string;
}

export interface Section {
  name: "library" | "server";
  pages: Page[];
}

export const sections: Section[] = [
  {
    name: "library",
    pages: [
      { name: "gallery", path: "/gallery", icon: Images, key: "g" },
      { name: "search", path: "/search", icon: ScanSearch, key: "s" },
      { name: "compare", path: "/compare", icon: SquareSplitHorizontal, key: "c" },
    ],
  },
  { name: "server", pages: [{ name: "overview", path: "/", icon: Gauge, key: "o" }] },
];

export const pages: Page[] = sections.flatMap((section) => section.pages);
