import { type CSSVariablesResolver, createTheme, type MantineColorsTuple } from "@mantine/core";

/** Ink and paper carry the console; the colours of the opera masks carry meaning: cinnabar, jade, ochre. */
const ink: MantineColorsTuple = [
  "#f6f3ee",
  "#e9e4db",
  "#d3cbbf",
  "#b3a99b",
  "#93887a",
  "#6f665a",
  "#544c43",
  "#433c35",
  "#2b2722",
  "#1a1715",
];
const cinnabar: MantineColorsTuple = [
  "#fdf0ed",
  "#f9dcd6",
  "#f0b5aa",
  "#e68b7b",
  "#dd6753",
  "#d4503b",
  "#c8422f",
  "#b03626",
  "#912b1e",
  "#6f2016",
];
const jade: MantineColorsTuple = [
  "#eaf6f0",
  "#d3ebdf",
  "#a6d5bf",
  "#76bf9d",
  "#51ac82",
  "#3b9a70",
  "#2b7c58",
  "#246a4b",
  "#1e563e",
  "#153d2c",
];
const ochre: MantineColorsTuple = [
  "#fbf4e4",
  "#f4e5c3",
  "#ead098",
  "#dfb967",
  "#d4a343",
  "#c58f2c",
  "#9a6c18",
  "#835b15",
  "#6c4c14",
  "#4c350d",
];
const night: MantineColorsTuple = [
  "#efe9df",
  "#cfc7bb",
  "#a89f93",
  "#7d7469",
  "#4a443d",
  "#38332d",
  "#2a2622",
  "#201d1a",
  "#171513",
  "#0f0e0c",
];

const sans = `system-ui, -apple-system, "Segoe UI", "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", "Noto Sans SC", sans-serif`;

export const theme = createTheme({
  colors: { ink, cinnabar, jade, ochre, dark: night },
  primaryColor: "ink",
  primaryShade: { light: 8, dark: 1 },
  autoContrast: true,
  defaultRadius: "md",
  fontFamily: sans,
  headings: { fontFamily: sans, fontWeight: "650" },
  cursorType: "pointer",
  respectReducedMotion: true,
  components: {
    Modal: {
      defaultProps: { centered: true, overlayProps: { backgroundOpacity: 0.5, blur: 3 }, radius: "lg" },
    },
    Tooltip: { defaultProps: { openDelay: 350, withArrow: true } },
    ActionIcon: { defaultProps: { variant: "subtle", size: "lg" } },
    Menu: { defaultProps: { shadow: "md", position: "bottom-end", withinPortal: true } },
  },
});

export const variables: CSSVariablesResolver = () => ({
  variables: {},
  light: {
    "--mantine-color-body": "#f8f5f0",
    "--mantine-color-text": "#231f1b",
    "--mantine-color-dimmed": "#6b6256",
    "--mantine-color-placeholder": "#8b8174",
    "--mantine-color-default": "#ffffff",
    "--mantine-color-default-hover": "#f3eee6",
    "--mantine-color-default-border": "#ddd5c8",
    "--surface": "#ffffff",
    "--sunken": "#f1ece4",
    "--line": "#e6dfd3",
    "--brand": "#c8422f",
    "--match": "#2b7c58",
    "--unknown": "#9a6c18",
    "--focus": "#2563a8",
  },
  dark: {
    "--mantine-color-body": "#171513",
    "--mantine-color-text": "#efe9df",
    "--mantine-color-dimmed": "#a89f93",
    "--mantine-color-placeholder": "#857b6f",
    "--mantine-color-default": "#262320",
    "--mantine-color-default-hover": "#302c28",
    "--mantine-color-default-border": "#433d36",
    "--surface": "#201d1a",
    "--sunken": "#121110",
    "--line": "#35302b",
    "--brand": "#e2624e",
    "--match": "#5dbb93",
    "--unknown": "#dfb967",
    "--focus": "#7db4ee",
  },
});
