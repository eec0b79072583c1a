// How accounts and who may see a post are named to people.

import type { Texts } from "../i18n";

interface Named {
  id: bigint;
  accountName: string;
  accountUsername: string;
}

/** The display name, else the handle, else our number. */
export const accountName = (account: Named): string =>
  account.accountName || (account.accountUsername && `@${account.accountUsername}`) || `#${account.id}`;

/** The handle with its sign; empty when the platform did not tell it. */
export const accountHandle = (account: Named): string => (account.accountUsername ? `@${account.accountUsername}` : "");

/** A privacy level of a platform; one that is not known here keeps its own name. */
export const privacyName = (level: string, texts: Texts): string => (texts.publish.privacyLevels as Record<string, string>)[level] ?? level;
