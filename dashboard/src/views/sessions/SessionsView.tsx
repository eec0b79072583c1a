import Typography from "@mui/material/Typography";

import { useTexts } from "../../i18n";

export default function SessionsView() {
  const { shell } = useTexts();
  return <Typography variant="h1">{shell.sessions}</Typography>;
}
