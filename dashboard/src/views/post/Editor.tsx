// Edits a draft or a scheduled post: what was changed, and only as long as the post is what the person saw.

import Autocomplete from "@mui/material/Autocomplete";
import Alert from "@mui/material/Alert";
import Button from "@mui/material/Button";
import Checkbox from "@mui/material/Checkbox";
import Dialog from "@mui/material/Dialog";
import DialogActions from "@mui/material/DialogActions";
import DialogContent from "@mui/material/DialogContent";
import DialogTitle from "@mui/material/DialogTitle";
import FormControlLabel from "@mui/material/FormControlLabel";
import TextField from "@mui/material/TextField";
import { clone, create } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import { useState } from "react";

import { api } from "../../api/clients";
import { toProblem, type Problem } from "../../api/problem";
import { ProblemAlert } from "../../app/ProblemAlert";
import { useToast } from "../../app/toasts";
import { useTexts } from "../../i18n";
import { posts, useLoad, usePost } from "../../live";
import { Platform } from "../../rpc/aurareels/v1/platform_pb";
import {
  FacebookOptionsSchema,
  InstagramOptionsSchema,
  PlatformOptionsSchema,
  PostStatus,
  YouTubeOptionsSchema,
  type PlatformOptions,
  type Post,
} from "../../rpc/aurareels/v1/post_pb";

interface Form {
  caption: string;
  hashtags: string[];
  mentions: string[];
  thumbnail_url: string;
  privacy_level: string;
  allow_comments: boolean | undefined;
  allow_duet: boolean | undefined;
  allow_stitch: boolean | undefined;
}

function formOf(post: Post): Form {
  return {
    caption: post.caption,
    hashtags: post.hashtags,
    mentions: post.mentions,
    thumbnail_url: post.thumbnailUrl,
    privacy_level: post.privacyLevel,
    allow_comments: post.allowComments,
    allow_duet: post.allowDuet,
    allow_stitch: post.allowStitch,
  };
}

const optionsOf = (post: Post) => {
  const { instagram, facebook, youtube } = post.platformOptions ?? {};
  const { firstComment = "", title = "" } = { ...instagram, ...facebook, ...youtube };
  return { firstComment, title };
};

/** The post's options with these texts in them; the others stay. */
function withTexts(post: Post, texts: { firstComment: string; title: string }): PlatformOptions {
  const options = clone(PlatformOptionsSchema, post.platformOptions ?? create(PlatformOptionsSchema));
  const { firstComment } = texts;
  switch (post.platform) {
    case Platform.INSTAGRAM:
      options.instagram = Object.assign(options.instagram ?? create(InstagramOptionsSchema), { firstComment });
      break;
    case Platform.FACEBOOK:
      options.facebook = Object.assign(options.facebook ?? create(FacebookOptionsSchema), texts);
      break;
    case Platform.YOUTUBE:
      options.youtube = Object.assign(options.youtube ?? create(YouTubeOptionsSchema), texts);
      break;
    default:
  }
  return options;
}

export default function Editor({ post, onClose }: { post: Post; onClose(): void }) {
  const { post: texts, shell } = useTexts();
  const toast = useToast();
  // What the person changed is told from the post as it was opened, whatever becomes of it meanwhile.
  const [opened] = useState(post);
  const current = usePost(opened.id) ?? opened;
  const [form, setForm] = useState(() => formOf(opened));
  const [options, setOptions] = useState(() => optionsOf(opened));
  const [seen, setSeen] = useState(opened.revision);
  const [problem, setProblem] = useState<Problem>();
  const [busy, setBusy] = useState(false);
  const offered = useLoad(`options ${opened.socialAccountId}`, (signal) =>
    api.accounts.getPublishOptions({ id: opened.socialAccountId }, { signal }),
  );
  const set = (change: Partial<Form>) => setForm((before) => ({ ...before, ...change }));

  const start = formOf(opened);
  const changed = (Object.keys(start) as (keyof Form)[]).filter(
    (field) => JSON.stringify(start[field]) !== JSON.stringify(form[field]),
  );
  const paths: string[] = [...changed];
  if (JSON.stringify(optionsOf(opened)) !== JSON.stringify(options)) {
    paths.push("platform_options");
  }
  const save = async () => {
    setBusy(true);
    try {
      const content = {
        caption: form.caption,
        hashtags: form.hashtags,
        mentions: form.mentions,
        thumbnailUrl: form.thumbnail_url,
        privacyLevel: form.privacy_level,
        allowComments: form.allow_comments,
        allowDuet: form.allow_duet,
        allowStitch: form.allow_stitch,
        platformOptions: withTexts(opened, options),
      };
      posts.put(await api.posts.updatePost({ id: opened.id, content, updateMask: { paths }, revision: seen }));
      toast({ message: texts.done.saved });
      onClose();
    } catch (failure) {
      const told = toProblem(failure);
      setProblem(told);
      setBusy(false);
      if (told.code === Code.Aborted) {
        const now = await api.posts.getPost({ id: opened.id }).catch(() => undefined);
        if (now) {
          posts.put(now);
          setSeen(now.revision);
        }
      }
    }
  };
  const isTikTok = opened.platform === Platform.TIKTOK;
  const hasTitle = [Platform.FACEBOOK, Platform.YOUTUBE].includes(opened.platform);
  const flag = (field: "allow_comments" | "allow_duet" | "allow_stitch", label: string, disabled = false) => (
    <FormControlLabel
      label={label}
      control={
        <Checkbox
          checked={form[field] ?? false}
          indeterminate={form[field] === undefined}
          disabled={disabled}
          onChange={(event) => set({ [field]: event.target.checked })}
        />
      }
    />
  );
  const words = (field: "hashtags" | "mentions", label: string) => (
    <Autocomplete
      multiple
      freeSolo
      options={[] as string[]}
      value={form[field]}
      onChange={(_, value) => set({ [field]: value })}
      renderInput={(input) => <TextField {...input} label={label} helperText={texts.editor.addHelp} />}
    />
  );
  return (
    <Dialog open onClose={onClose} fullWidth maxWidth="sm" aria-labelledby="editor-title">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void save();
        }}
      >
        <DialogTitle id="editor-title">{texts.editor.title}</DialogTitle>
        <DialogContent sx={{ display: "grid", gap: 2 }}>
          <TextField
            multiline
            minRows={4}
            maxRows={12}
            label={texts.editor.caption}
            value={form.caption}
            onChange={(event) => set({ caption: event.target.value })}
            slotProps={{ htmlInput: { dir: "auto" } }}
            sx={{ mt: 1 }}
          />
          {words("hashtags", texts.editor.hashtags)}
          {words("mentions", texts.editor.mentions)}
          {hasTitle && (
            <TextField label={texts.editor.titleField} value={options.title} onChange={(event) => setOptions({ ...options, title: event.target.value })} />
          )}
          {!isTikTok && (
            <>
              <TextField
                multiline
                label={texts.editor.firstComment}
                value={options.firstComment}
                onChange={(event) => setOptions({ ...options, firstComment: event.target.value })}
              />
              <TextField label={texts.editor.thumbnailUrl} value={form.thumbnail_url} onChange={(event) => set({ thumbnail_url: event.target.value })} />
            </>
          )}
          <Autocomplete
            freeSolo
            options={offered.value?.privacyLevelOptions ?? []}
            inputValue={form.privacy_level}
            onInputChange={(_, value) => set({ privacy_level: value })}
            renderInput={(input) => <TextField {...input} label={texts.editor.privacy} />}
          />
          <div>
            {flag("allow_comments", texts.editor.allowComments, offered.value?.commentDisabled)}
            {isTikTok && flag("allow_duet", texts.editor.allowDuet, offered.value?.duetDisabled)}
            {isTikTok && flag("allow_stitch", texts.editor.allowStitch, offered.value?.stitchDisabled)}
          </div>
          {opened.status === PostStatus.SCHEDULED && <Alert severity="info">{texts.editor.prepared}</Alert>}
          {(problem?.code === Code.Aborted || current.revision > seen) && <Alert severity="warning">{texts.editor.conflict}</Alert>}
          {problem && <ProblemAlert problem={problem} />}
        </DialogContent>
        <DialogActions>
          {paths.length === 0 && <span>{texts.editor.unchanged}</span>}
          <Button onClick={onClose}>{shell.close}</Button>
          <Button type="submit" variant="contained" disabled={busy || paths.length === 0}>
            {texts.editor.save}
          </Button>
        </DialogActions>
      </form>
    </Dialog>
  );
}
