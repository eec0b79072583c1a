import Box from "@mui/material/Box";
import Skeleton from "@mui/material/Skeleton";

import { useTexts } from "../i18n";

/** What stands where rows will be. `height` is a row's, so that nothing moves when they come. */
export function SkeletonRows({ rows = 5, height = 64 }: { rows?: number; height?: number }) {
  const { shell } = useTexts();
  return (
    <Box role="status" aria-label={shell.loading}>
      {Array.from({ length: rows }, (_, row) => (
        <Skeleton key={row} variant="rounded" height={height} sx={{ mb: 1.5 }} />
      ))}
    </Box>
  );
}
