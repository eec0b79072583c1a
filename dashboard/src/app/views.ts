// The code of each view, one file per view, and the view for an address.

import { later } from "./later";

export const views = {
  accounts: later(() => import("../views/accounts/AccountsView")),
  analytics: later(() => import("../views/analytics/AnalyticsView")),
  calendar: later(() => import("../views/calendar/CalendarView")),
  login: later(() => import("../views/login/LoginView")),
  media: later(() => import("../views/media/MediaView")),
  post: later(() => import("../views/post/PostView")),
  posts: later(() => import("../views/posts/PostsView")),
  review: later(() => import("../views/review/ReviewView")),
  sessions: later(() => import("../views/sessions/SessionsView")),
  webhookLog: later(() => import("../views/webhooks/WebhookLogView")),
  webhooks: later(() => import("../views/webhooks/WebhooksView")),
};

type Name = keyof typeof views;

/** Views by the first word of the path; `OF_ONE` when an id follows. */
const ALONE: Record<string, Name> = {
  "": "calendar",
  "social-accounts": "accounts",
  "social-posts": "posts",
  "social-calendar": "calendar",
  publish: "posts",
  review: "review",
  media: "media",
  analytics: "analytics",
  webhooks: "webhooks",
  sessions: "sessions",
  login: "login",
};
const OF_ONE: Record<string, Name> = { "social-posts": "post", webhooks: "webhookLog" };

/** The view at a path of `routes`; nothing where there is none. */
export function viewAt(path: string): Name | undefined {
  const [first = "", second] = path.split("/").slice(1);
  return (second ? OF_ONE[first] : undefined) ?? ALONE[first];
}

/** Loads the code of all views, one after the other, while the page is idle. */
export function readAllViews(): () => void {
  const left = Object.values(views);
  let stopped = false;
  const next = () => {
    const view = left.shift();
    if (view && !stopped) {
      void view.read().then(() => whenIdle(next));
    }
  };
  whenIdle(next);
  return () => (stopped = true);
}

/** Safari has no `requestIdleCallback`. */
function whenIdle(run: () => void): void {
  if ("requestIdleCallback" in window) {
    requestIdleCallback(run);
  } else {
    setTimeout(run, 200);
  }
}
