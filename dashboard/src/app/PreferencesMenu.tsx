// Language, colours, and the way out.

import IconButton from "@mui/material/IconButton";
import Divider from "@mui/material/Divider";
import ListSubheader from "@mui/material/ListSubheader";
import Menu from "@mui/material/Menu";
import MenuItem from "@mui/material/MenuItem";
import { useColorScheme } from "@mui/material/styles";
import { useState, useSyncExternalStore, type ReactNode } from "react";

import { session } from "../api/session";
import { wordpress } from "../boot/host";
import { LANGUAGE_NAMES, LOCALES, useLanguage } from "../i18n";
import { useAttempt } from "./toasts";

export function PreferencesMenu({ icon }: { icon: ReactNode }) {
  const { texts, locale, setLocale } = useLanguage();
  const { shell } = texts;
  const { mode, setMode } = useColorScheme();
  const [anchor, setAnchor] = useState<HTMLElement>();
  const current = useSyncExternalStore(session.subscribe, session.get);
  const attempt = useAttempt();
  const name = current.state === "in" && !wordpress ? shell.user(current.session.user) : shell.appName;
  const modes = [
    ["light", shell.light],
    ["dark", shell.dark],
    ["system", shell.system],
  ] as const;
  const choose = (action: () => void) => () => {
    setAnchor(undefined);
    action();
  };
  return (
    <>
      <IconButton
        edge="end"
        aria-label={name}
        aria-haspopup="menu"
        aria-expanded={anchor !== undefined}
        onClick={(event) => setAnchor(event.currentTarget)}
      >
        {icon}
      </IconButton>
      <Menu open={anchor !== undefined} anchorEl={anchor ?? null} onClose={() => setAnchor(undefined)}>
        <ListSubheader role="presentation">{name}</ListSubheader>
        <ListSubheader role="presentation">{shell.colours}</ListSubheader>
        {modes.map(([value, label]) => (
          <MenuItem key={value} role="menuitemradio" aria-checked={mode === value} selected={mode === value} onClick={choose(() => setMode(value))}>
            {label}
          </MenuItem>
        ))}
        <ListSubheader role="presentation">{shell.language}</ListSubheader>
        {LOCALES.map((value) => (
          <MenuItem
            key={value}
            lang={value}
            role="menuitemradio"
            aria-checked={locale === value}
            selected={locale === value}
            onClick={choose(() => setLocale(value))}
          >
            {LANGUAGE_NAMES[value]}
          </MenuItem>
        ))}
        {!wordpress && <Divider />}
        {!wordpress && (
          <MenuItem onClick={choose(() => void attempt(() => session.logOut()))}>{shell.logOut}</MenuItem>
        )}
      </Menu>
    </>
  );
}
