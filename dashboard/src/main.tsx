import createCache from "@emotion/cache";
import { CacheProvider } from "@emotion/react";
import CssBaseline from "@mui/material/CssBaseline";
import ScopedCssBaseline from "@mui/material/ScopedCssBaseline";
import { ThemeProvider } from "@mui/material/styles";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";

import { App } from "./app/App";
import { theme } from "./app/theme";
import { session } from "./api/session";
import { styleNonce, wordpress } from "./boot/host";
import { LanguageProvider, loadTexts, wishedLocale } from "./i18n";

const root = document.getElementById("aurareels-dashboard");
if (!root) {
  throw new Error("the page has no #aurareels-dashboard");
}
const styles = createCache({ key: "ar", nonce: styleNonce(), prepend: true });
const locale = wishedLocale();
// The login and the texts are on their way at the same time.
void session.load();
const texts = await loadTexts(locale);

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
