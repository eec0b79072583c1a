// How accounts are named to people.

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
