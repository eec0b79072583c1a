// A broken rule in the page's language; where there are no words for it, the core's own sentence.

import type { Texts } from "../i18n";

interface Broken {
  rule: string;
  message: string;
  measured: string;
  limit: string;
  remedy: string;
}

export function ruleText(broken: Broken, texts: Texts): string {
  const known = (texts.rules as Record<string, string>)[broken.rule];
  if (!known) {
    return broken.message.includes(broken.remedy) ? broken.message : `${broken.message}. ${broken.remedy}`;
  }
  const figures = broken.measured && broken.limit ? ` (${texts.shell.measured(broken.measured, broken.limit)})` : "";
  return known + figures;
}
