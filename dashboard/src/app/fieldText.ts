import { DateTime } from "luxon";

/** What a field for date and time shows of an instant. */
export const fieldText = (at: Date, zone: string): string => DateTime.fromJSDate(at, { zone }).toFormat("yyyy-MM-dd'T'HH:mm");
