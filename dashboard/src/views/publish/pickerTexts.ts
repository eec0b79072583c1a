// The date picker's own words, from its translations.

import { deDE, enUS, esES, ptBR } from "@mui/x-date-pickers/locales";

import type { Locale } from "../../i18n";

const TEXTS = { en: enUS, de: deDE, "pt-BR": ptBR, es: esES };

export const pickerTexts = (locale: Locale) =>
  TEXTS[locale].components.MuiLocalizationProvider.defaultProps.localeText;
