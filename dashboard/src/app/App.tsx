// Which view stands at which address, and what stands around it.

import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import Typography from "@mui/material/Typography";
import { Suspense, useEffect, useSyncExternalStore } from "react";
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
import { readAllViews, views } from "./views";

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
  useEffect(readAllViews, []);
  return (
    <Shell>
      <ErrorBoundary key={path} texts={texts}>
        <Suspense fallback={<SkeletonRows />}>
          <Switch>
            <Route path="/">
              <Redirect to={routes.calendar} replace />
            </Route>
            <Route path={routes.accounts} component={views.accounts.Component} />
            <Route path={routes.posts} component={views.posts.Component} />
            <Route path="/social-posts/:id">{({ id }) => (isId(id) ? <views.post.Component id={BigInt(id)} /> : <NotFound />)}</Route>
            <Route path="/publish/:job">{({ job }) => <OpenForJob job={job} />}</Route>
            <Route path={routes.calendar} component={views.calendar.Component} />
            <Route path={routes.review} component={views.review.Component} />
            <Route path={routes.media} component={views.media.Component} />
            <Route path={routes.analytics} component={views.analytics.Component} />
            <Route path={routes.webhooks} component={views.webhooks.Component} />
            <Route path="/webhooks/:id">{({ id }) => (isId(id) ? <views.webhookLog.Component id={BigInt(id)} /> : <NotFound />)}</Route>
            <Route path={routes.sessions} component={views.sessions.Component} />
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
          <views.login.Component />
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
              <views.login.Component />
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
