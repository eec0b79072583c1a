// Dragging a post to another cell, by mouse, pen or finger.
//
// A mouse drags at once, a finger after a long press, so that a finger can still scroll. While it lasts, only the dragged
// ghost and the marked cell are touched, and by style alone: nothing is rendered until the drop.

import { useEffect, useRef, type PointerEvent as ReactPointerEvent } from "react";

/** How far a pointer moves before it means to drag. */
const THRESHOLD_PX = 6;
const LONG_PRESS_MS = 350;
/** How near an edge of the scrolled part has it scroll, and how fast. */
const EDGE_PX = 40;
const SCROLL_PX = 12;

interface Drag {
  id: bigint;
  source: HTMLElement;
  pointer: number;
  startX: number;
  startY: number;
  x: number;
  y: number;
  ghost: HTMLElement | undefined;
  target: HTMLElement | undefined;
  press: ReturnType<typeof setTimeout> | undefined;
  frame: number;
}

export interface DragHandlers {
  onPointerDown(event: ReactPointerEvent<HTMLElement>, id: bigint): void;
  /** True right after a drag: the click that ends it is none. */
  isDrop(): boolean;
}

/** `onDrop` is told the post and the `data-cell` of the cell. Cells with `data-closed` take nothing. */
export function useDrag(onDrop: (id: bigint, cell: string) => void): DragHandlers {
  const drop = useRef(onDrop);
  const handlers = useRef<DragHandlers & { cancel(): void }>(undefined);
  useEffect(() => {
    drop.current = onDrop;
  });
  handlers.current ??= create((id, cell) => drop.current(id, cell));
  useEffect(() => () => handlers.current?.cancel(), []);
  return handlers.current;
}

function create(onDrop: (id: bigint, cell: string) => void): DragHandlers & { cancel(): void } {
  let drag: Drag | undefined;
  let droppedAt = 0;

  function mark(target: HTMLElement | undefined): void {
    if (drag && drag.target !== target) {
      drag.target?.removeAttribute("data-over");
      target?.setAttribute("data-over", "");
      drag.target = target;
    }
  }

  function cellAt(x: number, y: number): HTMLElement | undefined {
    const cell = document.elementFromPoint(x, y)?.closest<HTMLElement>("[data-cell]");
    return cell && !cell.hasAttribute("data-closed") ? cell : undefined;
  }

  function lift(): void {
    if (!drag || drag.ghost) {
      return;
    }
    const { width } = drag.source.getBoundingClientRect();
    const ghost = drag.source.cloneNode(true) as HTMLElement;
    ghost.setAttribute("aria-hidden", "true");
    ghost.setAttribute("inert", "");
    Object.assign(ghost.style, {
      position: "fixed",
      left: "0",
      top: "0",
      width: `${width}px`,
      zIndex: "2000",
      pointerEvents: "none",
      opacity: "0.9",
      boxShadow: "0 4px 12px rgb(0 0 0 / 35%)",
    });
    document.body.append(ghost);
    drag.ghost = ghost;
    drag.source.setAttribute("data-lifted", "");
    move();
  }

  function move(): void {
    if (!drag?.ghost) {
      return;
    }
    drag.ghost.style.transform = `translate(${drag.x + 8}px, ${drag.y + 8}px)`;
    mark(cellAt(drag.x, drag.y));
    const scroller = drag.source.closest<HTMLElement>("[data-scroller]");
    if (scroller) {
      const box = scroller.getBoundingClientRect();
      const by = drag.y < box.top + EDGE_PX ? -SCROLL_PX : drag.y > box.bottom - EDGE_PX ? SCROLL_PX : 0;
      if (by) {
        scroller.scrollBy(0, by);
        cancelAnimationFrame(drag.frame);
        drag.frame = requestAnimationFrame(move);
      }
    }
  }

  function onMove(event: PointerEvent): void {
    if (!drag || event.pointerId !== drag.pointer) {
      return;
    }
    drag.x = event.clientX;
    drag.y = event.clientY;
    if (drag.ghost) {
      move();
    } else if (Math.hypot(event.clientX - drag.startX, event.clientY - drag.startY) > THRESHOLD_PX) {
      if (event.pointerType === "touch") {
        end();
      } else {
        lift();
      }
    }
  }

  function onUp(event: PointerEvent): void {
    if (!drag || event.pointerId !== drag.pointer) {
      return;
    }
    const { id, ghost } = drag;
    const cell = ghost && cellAt(event.clientX, event.clientY)?.dataset.cell;
    end();
    if (ghost) {
      droppedAt = performance.now();
    }
    if (cell !== undefined) {
      onDrop(id, cell);
    }
  }

  function onKey(event: KeyboardEvent): void {
    if (event.key === "Escape" && drag?.ghost) {
      event.stopPropagation();
      droppedAt = performance.now();
      end();
    }
  }

  function onTouchMove(event: TouchEvent): void {
    // A finger that drags does not scroll.
    if (drag?.ghost && event.cancelable) {
      event.preventDefault();
    }
  }

  function end(): void {
    if (!drag) {
      return;
    }
    clearTimeout(drag.press);
    cancelAnimationFrame(drag.frame);
    mark(undefined);
    drag.ghost?.remove();
    drag.source.removeAttribute("data-lifted");
    drag = undefined;
    window.removeEventListener("pointermove", onMove);
    window.removeEventListener("pointerup", onUp);
    window.removeEventListener("pointercancel", end);
    window.removeEventListener("keydown", onKey, true);
    window.removeEventListener("touchmove", onTouchMove);
  }

  return {
    onPointerDown(event, id) {
      if (event.button !== 0 || drag) {
        return;
      }
      drag = {
        id,
        source: event.currentTarget,
        pointer: event.pointerId,
        startX: event.clientX,
        startY: event.clientY,
        x: event.clientX,
        y: event.clientY,
        ghost: undefined,
        target: undefined,
        press: event.pointerType === "touch" ? setTimeout(lift, LONG_PRESS_MS) : undefined,
        frame: 0,
      };
      window.addEventListener("pointermove", onMove);
      window.addEventListener("pointerup", onUp);
      window.addEventListener("pointercancel", end);
      window.addEventListener("keydown", onKey, true);
      window.addEventListener("touchmove", onTouchMove, { passive: false });
    },
    isDrop: () => performance.now() - droppedAt < 100,
    cancel: end,
  };
}
