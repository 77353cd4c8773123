import {
  type CSSVariablesResolver,
  createTheme,
  defaultVariantColorsResolver,
  type MantineColorsTuple,
  type VariantColorsResolver,
} from "@mantine/core";

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

/** Mantine's own grey is blue; on paper it looks like dirt. */
const grey: MantineColorsTuple = [
  "#faf8f4",
  "#f1ece4",
  "#e9e3d9",
  "#ddd5c8",
  "#cbc1b2",
  "#a99f90",
  "#857b6e",
  "#574f46",
  "#3d3731",
  "#28231f",
];

const sans = `system-ui, -apple-system, "Segoe UI", "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", "Noto Sans SC", sans-serif`;

/** Ink turns to ivory in the dark: what is written on it must turn too, which Mantine's contrast does not see. */
const variantColorResolver: VariantColorsResolver = (input) => {
  const colors = defaultVariantColorsResolver(input);
  const onInk = input.variant === "filled" && (input.color ?? input.theme.primaryColor) === "ink";
  return onInk ? { ...colors, color: "var(--on-ink)" } : colors;
};

export const theme = createTheme({
  colors: { ink, cinnabar, jade, ochre, gray: grey, dark: night },
  primaryColor: "ink",
  primaryShade: { light: 7, dark: 4 },
  variantColorResolver,
  autoContrast: true,
  defaultRadius: "md",
  fontFamily: sans,
  headings: { fontFamily: sans, fontWeight: "650" },
  cursorType: "pointer",
  respectReducedMotion: true,
  components: {
    Modal: {
      defaultProps: { centered: true, overlayProps: { backgroundOpacity: 0.5, blur: 3 }, radius: "lg" },
      styles: {
        content: { background: "var(--modal)", border: "1px solid var(--line)" },
        header: { background: "var(--modal)" },
        title: { fontWeight: 650, fontSize: "1.1rem" },
      },
    },
    Checkbox: { defaultProps: { iconColor: "var(--on-ink)" } },
    Badge: { styles: { root: { textTransform: "none" } } },
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
    "--mantine-color-ink-filled": "#2b2722",
    "--mantine-color-ink-filled-hover": "#433c35",
    "--mantine-color-error": "#b03626",
    "--on-ink": "#ffffff",
    "--modal": "#f8f5f0",
    "--active": "#f1ece4",
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
    "--mantine-color-ink-filled": "#e9e4db",
    "--mantine-color-ink-filled-hover": "#d3cbbf",
    "--mantine-color-ink-text": "#e9e4db",
    "--mantine-color-ink-light-color": "#e9e4db",
    "--mantine-color-ink-outline": "#b3a99b",
    "--mantine-color-error": "#e68b7b",
    "--mantine-color-cinnabar-text": "#e68b7b",
    "--mantine-color-cinnabar-light-color": "#f0b5aa",
    "--on-ink": "#1a1715",
    "--modal": "#1d1a17",
    "--active": "#2e2a26",
    "--surface": "#201d1a",
    "--sunken": "#121110",
    "--line": "#35302b",
    "--brand": "#e2624e",
    "--match": "#5dbb93",
    "--unknown": "#dfb967",
    "--focus": "#7db4ee",
  },
});
