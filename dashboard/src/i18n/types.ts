// A language is an object of the same shape as the English one: texts, and functions for texts with values in them. So a
// missing, superfluous or wrongly called text does not compile.

import type { texts } from "./en";

export type Texts = typeof texts;
export const LOCALES = ["en", "de", "pt-BR", "es"] as const;
export type Locale = (typeof LOCALES)[number];
