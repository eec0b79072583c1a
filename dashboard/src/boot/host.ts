// Where the page runs: served by the core itself, with a session cookie, or inside wp-admin, with tokens from the plugin.

export interface WordPressPage {
  /** Public address of the core. */
  coreUrl: string;
  /** Answers `{token, expires_at}` or `{token, expires_in}` to a POST with the nonce. */
  tokenUrl: string;
  /** WordPress's REST nonce. */
  nonce: string;
  /** WordPress's locale: "de_DE". */
  locale: string;
  /** Address of this admin page, without the part after "#". */
  basePath?: string;
  /** What the publish dialog starts with, when the page is opened for one video. */
  prefill?: { videoUrl?: string; caption?: string; hashtags?: string[]; videoJobId?: string };
}

declare global {
  interface Window {
    aurareelsDashboard?: WordPressPage;
  }
}

export const wordpress = window.aurareelsDashboard;

/** Address of the core, without a slash at the end. */
export const coreUrl = (wordpress?.coreUrl ?? location.origin).replace(/\/+$/, "");

/** The nonce under which styles may be added, as the core put it into the page. */
export function styleNonce(): string | undefined {
  const value = document.querySelector('meta[property="csp-nonce"]')?.getAttribute("content") ?? "";
  return value && !value.startsWith("{{") ? value : undefined;
}
