import { plural } from "../plural";
import type { Texts } from "../types";

export const calendar: Texts["calendar"] = {
  today: "Heute",
  earlier: "Früher",
  later: "Später",
  layout: "Darstellung",
  month: "Monat",
  week: "Woche",
  agenda: "Liste",
  hour: "Stunde",
  zone: "Zeitzone",
  legend: "Angezeigte Status",
  grid: (range) => `Beiträge, ${range}. Pfeiltasten gehen von Tag zu Tag, Tab geht zu den Beiträgen eines Tages.`,
  chipHelp:
    "Eingabe öffnet den Beitrag. Leertaste nimmt ihn auf; Pfeiltasten wählen dann einen anderen Tag oder eine andere Stunde, Leertaste legt ihn ab, Escape lässt ihn los.",
  day: (day, count) => `${day}, ${plural(count, "1 Beitrag", `${count} Beiträge`)}`,
  newPostOn: (day) => `Neuer Beitrag am ${day}`,
  more: (count) => `${count} weitere`,
  allOf: (day) => `Alle Beiträge am ${day}`,
  postsOf: (day) => `Beiträge: ${day}`,
  noPosts: "Hier sind keine Beiträge.",
  noPostsHelp: "Klicken Sie auf einen Tag, um einen anzulegen, oder gehen Sie zu einem anderen Monat.",
  loadingRange: "Die Beiträge dieser Tage werden gelesen …",
  reschedule: "Auf eine andere Zeit verschieben",
  noCaption: "(kein Text)",
  lifted: (post) => `Aufgenommen: ${post}.`,
  over: (target) => `Auf ${target}.`,
  letGo: "Losgelassen. Nichts wurde geändert.",
  moved: (time) => `Verschoben auf ${time}.`,
  movedBack: (time) => `Zurückverschoben auf ${time}.`,
  notMoved: "Der Beitrag wurde nicht verschoben.",
  inThePast: "Diese Zeit ist vorbei. Wählen Sie eine spätere.",
  movable: "Nur geplante Beiträge können verschoben werden.",
  conflict:
    "Jemand hat den Beitrag zur selben Zeit geändert. Er wird gezeigt, wie er jetzt ist; verschieben Sie ihn noch einmal, wenn Sie es noch wollen.",
};
