// The frame around every view: bar, navigation, banner.

import AccountCircleIcon from "@mui/icons-material/AccountCircleOutlined";
import AddIcon from "@mui/icons-material/Add";
import AnalyticsIcon from "@mui/icons-material/InsightsOutlined";
import CalendarIcon from "@mui/icons-material/CalendarMonthOutlined";
import DevicesIcon from "@mui/icons-material/DevicesOutlined";
import GroupIcon from "@mui/icons-material/GroupOutlined";
import ListIcon from "@mui/icons-material/ViewListOutlined";
import MenuIcon from "@mui/icons-material/Menu";
import ReviewIcon from "@mui/icons-material/FactCheckOutlined";
import WebhookIcon from "@mui/icons-material/WebhookOutlined";
import VideoIcon from "@mui/icons-material/VideoLibraryOutlined";
import AppBar from "@mui/material/AppBar";
import Badge from "@mui/material/Badge";
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import Drawer from "@mui/material/Drawer";
import IconButton from "@mui/material/IconButton";
import Link from "@mui/material/Link";
import List from "@mui/material/List";
import ListItem from "@mui/material/ListItem";
import ListItemButton from "@mui/material/ListItemButton";
import ListItemIcon from "@mui/material/ListItemIcon";
import ListItemText from "@mui/material/ListItemText";
import Toolbar from "@mui/material/Toolbar";
import Typography from "@mui/material/Typography";
import { useState, type ReactNode } from "react";
import { Link as RouterLink, useLocation } from "wouter";

import { wordpress } from "../boot/host";
import { useTexts } from "../i18n";
import { localZone } from "../i18n/format";
import { usePosts } from "../live";
import { PostStatus } from "../rpc/aurareels/v1/post_pb";
import { LiveBanner } from "./LiveBanner";
import { PreferencesMenu } from "./PreferencesMenu";
import { readPublishDialog, usePublishDialog } from "./publish";
import { routes } from "./routes";

const WIDTH = 220;

function Navigation({ onChoose }: { onChoose?: () => void }) {
  const { shell } = useTexts();
  const [path] = useLocation();
  const waiting = usePosts({ statuses: [PostStatus.NEEDS_REVIEW] }, { pageSize: 100 }).posts.length;
  const entries: [string, string, ReactNode][] = [
    [routes.calendar, shell.calendar, <CalendarIcon />],
    [routes.posts, shell.posts, <ListIcon />],
    [routes.review, shell.review, <Badge badgeContent={waiting} color="warning" max={99} children={<ReviewIcon />} />],
    [routes.accounts, shell.accounts, <GroupIcon />],
    [routes.analytics, shell.analytics, <AnalyticsIcon />],
    [routes.media, shell.media, <VideoIcon />],
    [routes.webhooks, shell.webhooks, <WebhookIcon />],
  ];
  if (!wordpress) {
    entries.push([routes.sessions, shell.sessions, <DevicesIcon />]);
  }
  return (
    <Box component="nav" aria-label={shell.navigation} sx={{ display: "flex", flexDirection: "column", flex: 1 }}>
      <List sx={{ px: 1 }}>
        {entries.map(([to, label, icon]) => (
          <ListItem key={to} disablePadding>
            <ListItemButton
              component={RouterLink}
              to={to}
              onClick={onChoose}
              selected={path.startsWith(to)}
              aria-current={path.startsWith(to) ? "page" : undefined}
              sx={{ borderRadius: 1, mb: 0.25 }}
            >
              <ListItemIcon sx={{ minWidth: 40 }}>{icon}</ListItemIcon>
              <ListItemText primary={label} />
            </ListItemButton>
          </ListItem>
        ))}
      </List>
      <Typography variant="caption" color="textSecondary" sx={{ mt: "auto", p: 2 }}>
        {shell.timesIn(localZone())}
      </Typography>
    </Box>
  );
}

export function Shell({ children }: { children: ReactNode }) {
  const { shell } = useTexts();
  const [open, setOpen] = useState(false);
  const publish = usePublishDialog();
  const bar = { position: "sticky", top: 0, height: { xs: 56, sm: 64 } };
  return (
    <Box sx={{ minHeight: wordpress ? "80vh" : "100vh", display: "flex", flexDirection: "column" }}>
      <Link
        href="#content"
        onClick={(event) => {
          event.preventDefault();
          document.getElementById("content")?.focus();
        }}
        sx={{ position: "absolute", left: -9999, "&:focus": { left: 8, top: 8, zIndex: "tooltip", bgcolor: "background.paper", p: 1 } }}
      >
        {shell.skipToContent}
      </Link>
      <AppBar color="default" elevation={0} sx={{ ...bar, borderBottom: 1, borderColor: "divider", bgcolor: "background.paper" }}>
        <Toolbar sx={{ gap: 1 }}>
          <IconButton edge="start" aria-label={shell.openMenu} onClick={() => setOpen(true)} sx={{ display: { md: "none" } }}>
            <MenuIcon />
          </IconButton>
          <Typography component="div" variant="h2" sx={{ mr: "auto" }}>
            {shell.appName}
          </Typography>
          <Button variant="contained" startIcon={<AddIcon />} onPointerEnter={readPublishDialog} onFocus={readPublishDialog} onClick={() => publish()}>
            {shell.newPost}
          </Button>
          <PreferencesMenu icon={<AccountCircleIcon />} />
        </Toolbar>
      </AppBar>
      <LiveBanner />
      <Box sx={{ display: "flex", flex: 1 }}>
        <Drawer open={open} onClose={() => setOpen(false)} sx={{ display: { md: "none" } }} slotProps={{ paper: { sx: { width: WIDTH + 40 } } }}>
          <Navigation onChoose={() => setOpen(false)} />
        </Drawer>
        <Box
          sx={{
            width: WIDTH,
            flex: "none",
            display: { xs: "none", md: "flex" },
            borderRight: 1,
            borderColor: "divider",
            bgcolor: "background.paper",
            position: "sticky",
            top: 64,
            height: "calc(100vh - 64px)",
          }}
        >
          <Navigation />
        </Box>
        <Box component="main" id="content" tabIndex={-1} sx={{ flex: 1, minWidth: 0, p: { xs: 2, sm: 3 }, outline: "none" }}>
          {children}
        </Box>
      </Box>
    </Box>
  );
}
