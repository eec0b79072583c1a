// Moving posts: shown at once, taken back when the core refuses, and undone by a click.

import { Code } from "@connectrpc/connect";
import { useCallback, useState } from "react";

import { toProblem } from "../../api/problem";
import { problemText } from "../../app/ProblemAlert";
import { useToast } from "../../app/toasts";
import { useFormat, useTexts } from "../../i18n";
import { posts, postTime } from "../../live";
import { reschedulePost, reschedulePostTo } from "../../live/actions";
import { api } from "../../api/clients";
import { PostStatus, type Post } from "../../rpc/aurareels/v1/post_pb";
import type { Moves } from "./board";
import { instantAt, wallText } from "./days";

export const canMove = (post: Post): boolean => post.status === PostStatus.SCHEDULED;

export function useMoves(zone: string): { moves: Moves; move(post: Post, day: number, minute: number): void } {
  const [moves, setMoves] = useState<Moves>(new Map());
  const { calendar, ...texts } = useTexts();
  const format = useFormat();
  const toast = useToast();

  const show = useCallback((id: bigint, time: number | undefined) => {
    setMoves((before) => {
      const after = new Map(before);
      if (time === undefined) {
        after.delete(id);
      } else {
        after.set(id, time);
      }
      return after;
    });
  }, []);

  const move = useCallback(
    (post: Post, day: number, minute: number) => {
      const before = postTime(post);
      const at = instantAt(zone, day, minute);
      if (!canMove(post)) {
        toast({ message: calendar.movable, severity: "info" });
        return;
      }
      if (Math.floor(at / 60_000) === Math.floor(before / 60_000)) {
        return;
      }
      if (at <= Date.now()) {
        toast({ message: calendar.inThePast, severity: "warning" });
        return;
      }
      const undo = async (revision: bigint) => {
        show(post.id, before);
        try {
          await reschedulePost(post.id, new Date(before), revision);
          toast({ message: calendar.movedBack(format.dateTime(new Date(before), zone)) });
        } finally {
          show(post.id, undefined);
        }
      };
      const second = Math.floor(before / 1000) % 60;
      show(post.id, at);
      reschedulePostTo(post.id, wallText(day, minute, second), zone, post.revision)
        .then((moved) => {
          const time = format.dateTime(new Date(postTime(moved)), zone);
          toast({ message: calendar.moved(time), undo: () => undo(moved.revision) });
        })
        .catch(async (failure: unknown) => {
          const problem = toProblem(failure);
          if (problem.code === Code.Aborted) {
            toast({ message: `${calendar.notMoved} ${calendar.conflict}`, severity: "error" });
            posts.put(await api.posts.getPost({ id: post.id }));
          } else {
            toast({ message: `${calendar.notMoved} ${problemText(problem, { calendar, ...texts })}`, severity: "error" });
          }
        })
        .finally(() => show(post.id, undefined))
        // The event stream brings the post when reading it failed too.
        .catch(() => undefined);
    },
    [zone, calendar, texts, format, toast, show],
  );
  return { moves, move };
}
