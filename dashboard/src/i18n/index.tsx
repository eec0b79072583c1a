// The language of the page: chosen by the person, else WordPress's, else the browser's.

import { createContext, useContext, useEffect, useMemo, useState, type ReactNode } from "react";

import { wordpress } from "../boot/host";
import { formatter, type Formatter } from "./format";
import { LOCALES, type Locale, type Texts } from "./types";

export { plural } from "./plural";
export { LOCALES, type Locale, type Texts } from "./types";

const STORED = "aurareels.locale";

const read: Record<Locale, () => Promise<{ texts: Texts }>> = {
  en: () => import("./en"),
  de: () => import("./de"),
  "pt-BR": () => import("./pt-BR"),
  es: () => import("./es"),
};

/** The names of the languages, each in itself. */
export const LANGUAGE_NAMES: Record<Locale, string> = {
  en: "English",
  de: "Deutsch",
  "pt-BR": "Português (Brasil)",
  es: "Español",
};

/** The first language that is wished for and there is; "pt" in any form is Brazil's, the only Portuguese there is. */
export function choose(wished: readonly string[]): Locale {
  for (const wish of wished) {
    const language = wish.replace("_", "-").split("-")[0]?.toLowerCase();
    const found = LOCALES.find((locale) => locale.split("-")[0] === language);
    if (found) {
      return found;
    }
  }
  return "en";
}

export function wishedLocale(): Locale {
  const stored = localStorage.getItem(STORED);
  return choose([stored ?? "", wordpress?.locale ?? "", ...navigator.languages].filter(Boolean));
}

/** The language as it is written where the person lives: "en-GB" has other dates, and weeks that begin on another day. */
export function regional(locale: Locale, wished: readonly string[]): string {
  const language = locale.split("-")[0];
  return wished.find((wish) => wish.split("-")[0]?.toLowerCase() === language) ?? locale;
}

interface Language {
  locale: Locale;
  /** The locale with the person's region, for dates and numbers. */
  region: string;
  texts: Texts;
  format: Formatter;
  setLocale(locale: Locale): void;
}

const Context = createContext<Language | undefined>(undefined);

/** Reads the texts before the first view is shown, so that nothing changes its size afterwards. */
export async function loadTexts(locale: Locale): Promise<Texts> {
  return (await read[locale]()).texts;
}

interface ProviderProps {
  initial: { locale: Locale; texts: Texts };
  children: ReactNode;
}

export function LanguageProvider({ initial, children }: ProviderProps) {
  const [current, setCurrent] = useState(initial);
  useEffect(() => {
    if (!wordpress) {
      document.documentElement.lang = current.locale;
    }
  }, [current.locale]);
  const region = regional(current.locale, navigator.languages);
  const language = useMemo<Language>(
    () => ({
      ...current,
      region,
      format: formatter(region),
      setLocale: (locale) => {
        localStorage.setItem(STORED, locale);
        void loadTexts(locale).then((texts) => setCurrent({ locale, texts }));
      },
    }),
    [current, region],
  );
  return <Context value={language}>{children}</Context>;
}

export function useLanguage(): Language {
  const language = useContext(Context);
  if (!language) {
    throw new Error("no LanguageProvider around this component");
  }
  return language;
}

export const useTexts = (): Texts => useLanguage().texts;
export const useFormat = (): Formatter => useLanguage().format;
