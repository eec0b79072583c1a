// Calm colours in light and dark. Colours of statuses are the same in every view and carry text of enough contrast.

import { createTheme } from "@mui/material/styles";
import { wordpress } from "../boot/host";
import { PostStatus } from "../rpc/aurareels/v1/post_pb";

const font = 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif';

/** The contrast of text that WCAG 2.2 AA asks for; MUI's own choice between light and dark text is content with 3. */
const READABLE = 4.5;

export const theme = createTheme({
  cssVariables: { colorSchemeSelector: "data-aurareels-scheme", cssVarPrefix: "ar" },
  colorSchemes: {
    light: {
      palette: {
        contrastThreshold: READABLE,
        primary: { main: "#4f46c8" },
        background: { default: "#f6f6f9", paper: "#ffffff" },
        success: { main: "#1d7a43" },
        warning: { main: "#9a5b00" },
        error: { main: "#b3261e" },
        info: { main: "#1662a8" },
      },
    },
    dark: {
      palette: {
        contrastThreshold: READABLE,
        primary: { main: "#b3acff" },
        background: { default: "#121217", paper: "#1b1b22" },
        success: { main: "#7bd49b" },
        warning: { main: "#f0b45e" },
        error: { main: "#ff9d95" },
        info: { main: "#86bdf2" },
      },
    },
  },
  typography: {
    fontFamily: font,
    h1: { fontSize: "1.6rem", fontWeight: 650 },
    h2: { fontSize: "1.2rem", fontWeight: 650 },
    h3: { fontSize: "1rem", fontWeight: 650 },
    button: { textTransform: "none", fontWeight: 600 },
  },
  shape: { borderRadius: 10 },
  // Above wp-admin's menu (9990) and bar (99999).
  ...(wordpress && { zIndex: { modal: 100100, snackbar: 100200, tooltip: 100300 } }),
  components: {
    // Its text wraps: as a region that scrolls it would have to be reached by keyboard.
    MuiAlert: { styleOverrides: { message: { overflow: "visible", minWidth: 0, overflowWrap: "anywhere" } } },
    MuiButton: { defaultProps: { disableElevation: true } },
    // Visible on every background. Inside the edge, because some containers clip what lies outside.
    MuiButtonBase: { styleOverrides: { root: { "&.Mui-focusVisible": { outline: "2px solid currentColor", outlineOffset: -2 } } } },
    MuiLink: { styleOverrides: { root: { "&:focus-visible": { outline: "2px solid currentColor", outlineOffset: 2, borderRadius: 2 } } } },
    MuiPaper: { styleOverrides: { root: { backgroundImage: "none" } } },
    MuiTooltip: { defaultProps: { enterDelay: 400 } },
  },
});

export type Tone = "default" | "info" | "primary" | "success" | "warning" | "error";

/** The colour of a status, the same in every view. */
export const STATUS_TONE: Record<PostStatus, Tone> = {
  [PostStatus.UNSPECIFIED]: "default",
  [PostStatus.DRAFT]: "default",
  [PostStatus.SCHEDULED]: "primary",
  [PostStatus.PUBLISHING]: "info",
  [PostStatus.CONFIRMING]: "info",
  [PostStatus.PUBLISHED]: "success",
  [PostStatus.FAILED]: "error",
  [PostStatus.CANCELLED]: "default",
  [PostStatus.NEEDS_REVIEW]: "warning",
  [PostStatus.DELIVERED]: "success",
};
