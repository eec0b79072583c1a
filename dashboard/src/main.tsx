import createCache from "@emotion/cache";
import { CacheProvider } from "@emotion/react";
import CssBaseline from "@mui/material/CssBaseline";
import ScopedCssBaseline from "@mui/material/ScopedCssBaseline";
import { ThemeProvider } from "@mui/material/styles";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";

import { App } from "./app/App";
import { theme } from "./app/theme";
import { openedAt } from "./app/routes";
import { viewAt, views } from "./app/views";
import { session } from "./api/session";
import { styleNonce, wordpress } from "./boot/host";
import { LanguageProvider, loadTexts, wishedLocale } from "./i18n";

async function start(root: HTMLElement): Promise<void> {
  const styles = createCache({ key: "ar", nonce: styleNonce(), prepend: true });
  const locale = wishedLocale();
  const view = viewAt(openedAt());
  // The login, the texts and the view's code load in parallel.
  void session.load();
  const [texts] = await Promise.all([loadTexts(locale), view && views[view].read()]);
  createRoot(root).render(
    <StrictMode>
      <CacheProvider value={styles}>
        <ThemeProvider theme={theme} defaultMode="system">
          <LanguageProvider initial={{ locale, texts }}>
            {wordpress ? (
              <ScopedCssBaseline>
                <App />
              </ScopedCssBaseline>
            ) : (
              <>
                <CssBaseline enableColorScheme />
                <App />
              </>
            )}
          </LanguageProvider>
        </ThemeProvider>
      </CacheProvider>
    </StrictMode>,
  );
}

const root = document.getElementById("aurareels-dashboard");
if (!root) {
  throw new Error("the page has no #aurareels-dashboard");
}
// Not awaited: the code of a view imports from this chunk, and a top-level await would wait for itself.
void start(root);
