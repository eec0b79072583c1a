// Which view stands at which address, and what stands around it.

import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import Typography from "@mui/material/Typography";
import { lazy, Suspense, useEffect, useSyncExternalStore } from "react";
import { Link, Redirect, Route, Router, Switch, useLocation } from "wouter";

import { session } from "../api/session";
import { useTexts } from "../i18n";
import { useStream } from "../live";
import { ErrorBoundary } from "./ErrorBoundary";
import { SkeletonRows } from "./Loading";
import { PublishProvider, usePublishDialog } from "./publish";
import { routerBase, routerHook, routes } from "./routes";
import { Shell } from "./Shell";
import { ToastProvider } from "./toasts";

const AccountsView = lazy(() => import("../views/accounts/AccountsView"));
const AnalyticsView = lazy(() => import("../views/analytics/AnalyticsView"));
const CalendarView = lazy(() => import("../views/calendar/CalendarView"));
const LoginView = lazy(() => import("../views/login/LoginView"));
const MediaView = lazy(() => import("../views/media/MediaView"));
const PostView = lazy(() => import("../views/post/PostView"));
const PostsView = lazy(() => import("../views/posts/PostsView"));
const ReviewView = lazy(() => import("../views/review/ReviewView"));
const SessionsView = lazy(() => import("../views/sessions/SessionsView"));
const WebhookLogView = lazy(() => import("../views/webhooks/WebhookLogView"));
const WebhooksView = lazy(() => import("../views/webhooks/WebhooksView"));

const isId = (text: string | undefined): text is string => /^\d{1,18}$/.test(text ?? "");

function NotFound() {
  const { shell } = useTexts();
  return (
    <Box sx={{ textAlign: "center", py: 8 }}>
      <Typography variant="h1" gutterBottom>
        {shell.notFound}
      </Typography>
      <Button component={Link} to={routes.posts}>
        {shell.toPosts}
      </Button>
    </Box>
  );
}

/** The address by which whatever made a video lets a person publish it. */
function OpenForJob({ job }: { job: string }) {
  const open = usePublishDialog();
  useEffect(() => open({ videoJobId: job }), [open, job]);
  return <Redirect to={routes.posts} replace />;
}

function Views() {
  const texts = useTexts();
  const [path] = useLocation();
  return (
    <Shell>
      <ErrorBoundary key={path} texts={texts}>
        <Suspense fallback={<SkeletonRows />}>
          <Switch>
            <Route path="/">
              <Redirect to={routes.calendar} replace />
            </Route>
            <Route path={routes.accounts} component={AccountsView} />
            <Route path={routes.posts} component={PostsView} />
            <Route path="/social-posts/:id">{({ id }) => (isId(id) ? <PostView id={BigInt(id)} /> : <NotFound />)}</Route>
            <Route path="/publish/:job">{({ job }) => <OpenForJob job={job} />}</Route>
            <Route path={routes.calendar} component={CalendarView} />
            <Route path={routes.review} component={ReviewView} />
            <Route path={routes.media} component={MediaView} />
            <Route path={routes.analytics} component={AnalyticsView} />
            <Route path={routes.webhooks} component={WebhooksView} />
            <Route path="/webhooks/:id">{({ id }) => (isId(id) ? <WebhookLogView id={BigInt(id)} /> : <NotFound />)}</Route>
            <Route path={routes.sessions} component={SessionsView} />
            <Route component={NotFound} />
          </Switch>
        </Suspense>
      </ErrorBoundary>
    </Shell>
  );
}

/** The views for who is logged in, the login for everybody else. */
function Gate() {
  const { state } = useSyncExternalStore(session.subscribe, session.get);
  useStream(state === "in");
  useEffect(() => {
    if (state === "unknown") {
      void session.load();
    }
  }, [state]);
  return (
    <Switch>
      <Route path={routes.login}>
        <Suspense fallback={null}>
          <LoginView />
        </Suspense>
      </Route>
      <Route>
        {state === "in" ? (
          <PublishProvider>
            <Views />
          </PublishProvider>
        ) : (
          state !== "unknown" && (
            <Suspense fallback={null}>
              <LoginView />
            </Suspense>
          )
        )}
      </Route>
    </Switch>
  );
}

export function App() {
  return (
    <ToastProvider>
      <Router base={routerBase} {...(routerHook ? { hook: routerHook } : {})}>
        <Gate />
      </Router>
    </ToastProvider>
  );
}
