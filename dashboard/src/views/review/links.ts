// What a person pastes as the post's place on the platform: a link or an id.

import { Platform } from "../../rpc/aurareels/v1/platform_pb";

export interface Named {
  platformPostId: string;
  platformPostUrl: string;
}

/** Ids as the platforms' links carry them. Instagram's links carry a shortcode, which is not the id. */
const IDS: Partial<Record<Platform, RegExp>> = {
  [Platform.TIKTOK]: /\/video\/(\d+)/,
  [Platform.FACEBOOK]: /\/(?:reel|videos)\/(\d+)/,
  [Platform.YOUTUBE]: /(?:\/shorts\/|[?&]v=|youtu\.be\/)([\w-]{6,})/,
};

export function readNamed(platform: Platform, text: string): Named {
  const given = text.trim();
  if (!/^https?:\/\//i.test(given)) {
    return { platformPostId: given, platformPostUrl: "" };
  }
  return { platformPostId: IDS[platform]?.exec(given)?.[1] ?? "", platformPostUrl: given };
}

/** The account's own page on the platform; nothing where its handle is not known. */
export function profileUrl(platform: Platform, username: string, accountId: string): string | undefined {
  const name = encodeURIComponent(username);
  switch (platform) {
    case Platform.TIKTOK:
      return username && `https://www.tiktok.com/@${name}`;
    case Platform.INSTAGRAM:
      return username && `https://www.instagram.com/${name}/reels/`;
    case Platform.FACEBOOK:
      return accountId && `https://www.facebook.com/${encodeURIComponent(accountId)}`;
    case Platform.YOUTUBE:
      return username ? `https://www.youtube.com/@${name}/shorts` : accountId && `https://www.youtube.com/channel/${encodeURIComponent(accountId)}`;
    default:
      return undefined;
  }
}
