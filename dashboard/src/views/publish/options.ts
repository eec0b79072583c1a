// What may be chosen on each account right now, asked of the platform when the account is chosen. TikTok demands that the
// choices are read afresh whenever somebody is about to post.

import { useEffect, useState } from "react";

import { api } from "../../api/clients";
import { isAbort, toProblem, type Problem } from "../../api/problem";
import type { PublishOptions } from "../../rpc/aurareels/v1/account_pb";

export interface AccountOptions {
  value?: PublishOptions;
  problem?: Problem;
}

export interface OptionsOfAccounts {
  of(account: bigint): AccountOptions;
  reload(account: bigint): void;
}

export function usePublishOptions(accounts: bigint[]): OptionsOfAccounts {
  const [known, setKnown] = useState<ReadonlyMap<bigint, AccountOptions>>(new Map());
  const [asked, setAsked] = useState<ReadonlyMap<bigint, number>>(new Map());
  const key = accounts.map((id) => `${id}:${asked.get(id) ?? 0}`).join();
  useEffect(() => {
    const reading = new AbortController();
    for (const id of accounts.filter((one) => !known.get(one)?.value)) {
      api.accounts
        .getPublishOptions({ id }, { signal: reading.signal })
        .then((value) => setKnown((before) => new Map(before).set(id, { value })))
        .catch((failure) => {
          if (!isAbort(failure)) {
            setKnown((before) => new Map(before).set(id, { problem: toProblem(failure) }));
          }
        });
    }
    return () => reading.abort();
    // Asked when the accounts change or one is asked again; what is known then is not asked again.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [key]);
  return {
    of: (account) => known.get(account) ?? {},
    reload: (account) => {
      setKnown((before) => new Map(before).set(account, {}));
      setAsked((before) => new Map(before).set(account, (before.get(account) ?? 0) + 1));
    },
  };
}
