import Typography from "@mui/material/Typography";

import { useTexts } from "../../i18n";

export default function LoginView() {
  const { shell } = useTexts();
  return <Typography variant="h1">{shell.problemSignedOut}</Typography>;
}
