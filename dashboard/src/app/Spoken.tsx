// Text for screen readers alone. The name of a control is its content, so that it begins with what is seen (WCAG 2.5.3).

import { visuallyHidden } from "@mui/utils";
import type { ReactNode } from "react";

/** The nearest positioned element holds it: without one it would make the page longer. */
export function Spoken({ children }: { children: ReactNode }) {
  return <span style={visuallyHidden}>{children}</span>;
}
