import Typography from "@mui/material/Typography";

import { useTexts } from "../../i18n";

export default function MediaView() {
  const { shell } = useTexts();
  return <Typography variant="h1">{shell.media}</Typography>;
}
