// A view that breaks takes nothing else with it, and says what to tell whoever mends it.

import Alert from "@mui/material/Alert";
import Button from "@mui/material/Button";
import { Component, type ReactNode } from "react";

import type { Texts } from "../i18n";

interface Props {
  texts: Texts;
  children: ReactNode;
}

export class ErrorBoundary extends Component<Props, { error: Error | undefined }> {
  override state = { error: undefined as Error | undefined };

  static getDerivedStateFromError(error: unknown) {
    return { error: error instanceof Error ? error : new Error(String(error)) };
  }

  override render() {
    const { texts, children } = this.props;
    const { error } = this.state;
    if (!error) {
      return children;
    }
    const reload = (
      <Button color="inherit" size="small" onClick={() => location.reload()}>
        {texts.shell.reload}
      </Button>
    );
    return (
      <Alert severity="error" action={reload} sx={{ m: 2, overflowWrap: "anywhere" }}>
        <strong>{texts.shell.crashed}</strong> {texts.shell.crashedHelp} <code>{error.message}</code>
      </Alert>
    );
  }
}
