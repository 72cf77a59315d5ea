import {
  type AlertProps,
  type BadgeProps,
  type ButtonProps,
  createTheme,
  type DrawerProps,
  type MantineColorsTuple,
  type MantineThemeComponent,
  type MenuProps,
  type ModalProps,
  type PaperProps,
  type TableProps,
  type TooltipProps,
} from "@mantine/core";

/** What Button.extend() and its like do, without the components: they come with the pages that show them. */
const defaults = <P>(defaultProps: Partial<P>, more: MantineThemeComponent = {}): MantineThemeComponent => ({
  defaultProps,
  ...more,
});

// The mark's violet-blue; shade 6 has 5.0:1 against white, shade 3 7.4:1 against the dark page.
const fealty: MantineColorsTuple = [
  "#eff0fd",
  "#dcdff7",
  "#b9beec",
  "#979fe3",
  "#7b84da",
  "#6a73d6",
  "#5b63d3",
  "#4b53b8",
  "#4149a5",
  "#363d91",
];
// Cool greys: a calm page, borders that are seen and not looked at.
const gray: MantineColorsTuple = [
  "#f8f9fb",
  "#f1f3f6",
  "#e6e8ed",
  "#d8dce3",
  "#bdc3cd",
  "#949cab",
  "#6b7384",
  "#4c5362",
  "#333947",
  "#1d212b",
];
const dark: MantineColorsTuple = [
  "#d6d9e1",
  "#b4b9c5",
  "#9197a6",
  "#676e7e",
  "#3d4352",
  "#2c313d",
  "#20242e",
  "#181b23",
  "#121419",
  "#0c0e12",
];

const fontStack = '"Inter Variable", system-ui, -apple-system, "Segoe UI", Roboto, sans-serif';

export const theme = createTheme({
  primaryColor: "fealty",
  primaryShade: { light: 6, dark: 6 },
  colors: { fealty, gray, dark },
  fontFamily: fontStack,
  fontFamilyMonospace: 'ui-monospace, SFMono-Regular, Menlo, "DejaVu Sans Mono", monospace',
  headings: {
    fontFamily: fontStack,
    fontWeight: "600",
    sizes: {
      h1: { fontSize: "1.375rem", lineHeight: "1.3" },
      h2: { fontSize: "1.0625rem", lineHeight: "1.4" },
      h3: { fontSize: "0.9375rem", lineHeight: "1.4" },
    },
  },
  fontSizes: { xs: "0.75rem", sm: "0.8125rem", md: "0.875rem", lg: "1rem", xl: "1.125rem" },
  defaultRadius: "md",
  radius: { xs: "3px", sm: "4px", md: "6px", lg: "8px", xl: "12px" },
  cursorType: "pointer",
  respectReducedMotion: true,
  components: {
    Button: defaults<ButtonProps>({ size: "sm" }),
    Badge: defaults<BadgeProps>(
      { variant: "light", radius: "sm", tt: "none", fw: 500 },
      // A status that is cut off says nothing.
      { styles: { root: { minWidth: "max-content" } } },
    ),
    Alert: defaults<AlertProps>({ variant: "light" }),
    Paper: defaults<PaperProps>(
      { withBorder: true, radius: "lg" },
      { styles: { root: { "--paper-border-color": "var(--border)" } } },
    ),
    Modal: defaults<ModalProps>({
      centered: true,
      radius: "lg",
      overlayProps: { backgroundOpacity: 0.35 },
      transitionProps: { duration: 120 },
    }),
    Drawer: defaults<DrawerProps>({ overlayProps: { backgroundOpacity: 0.35 }, transitionProps: { duration: 150 } }),
    Menu: defaults<MenuProps>({ shadow: "md", radius: "md", transitionProps: { duration: 100 } }),
    Tooltip: defaults<TooltipProps>({ openDelay: 300, withArrow: true }),
    Table: defaults<TableProps>({ verticalSpacing: "var(--row-spacing)", horizontalSpacing: "md" }),
  },
});
