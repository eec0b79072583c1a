import Typography from "@mui/material/Typography";

import { useTexts } from "../../i18n";

export default function CalendarView() {
  const { shell } = useTexts();
  return <Typography variant="h1">{shell.calendar}</Typography>;
}
