// A curve of one number over time, as an SVG of its own: a few points, no axes to explore. Screen readers get the same as a
// table.

import Box from "@mui/material/Box";
import Typography from "@mui/material/Typography";
import { visuallyHidden } from "@mui/utils";

import { useFormat } from "../../i18n";
import { toDate, type Time } from "../../i18n/format";

export interface CurvePoint {
  at: Time;
  value: number;
}

const WIDTH = 800;
const HEIGHT = 180;
const EDGE = 6;

export function Curve({ label, points, zone }: { label: string; points: CurvePoint[]; zone: string }) {
  const format = useFormat();
  const most = Math.max(1, ...points.map(({ value }) => value));
  const times = points.map(({ at }) => toDate(at).getTime());
  const [first, last] = [times[0] ?? 0, times.at(-1) ?? 0];
  const x = (time: number) => (last > first ? EDGE + ((time - first) / (last - first)) * (WIDTH - 2 * EDGE) : WIDTH / 2);
  const y = (value: number) => HEIGHT - EDGE - (value / most) * (HEIGHT - 2 * EDGE);
  const corners = points.map(({ value }, index) => `${x(times[index] ?? 0).toFixed(1)},${y(value).toFixed(1)}`);
  return (
    <Box component="figure" sx={{ m: 0 }}>
      <Box sx={{ display: "flex", justifyContent: "space-between" }} aria-hidden>
        <Typography variant="caption" color="textSecondary">
          {format.number(most)}
        </Typography>
      </Box>
      <Box
        component="svg"
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        preserveAspectRatio="none"
        aria-hidden
        sx={{ display: "block", width: "100%", height: HEIGHT, color: "primary.main", borderBottom: 1, borderColor: "divider" }}
      >
        {corners.length > 1 && (
          <polygon points={`${x(first)},${HEIGHT} ${corners.join(" ")} ${x(last)},${HEIGHT}`} fill="currentColor" opacity={0.12} />
        )}
        <polyline points={corners.join(" ")} fill="none" stroke="currentColor" strokeWidth={2} vectorEffect="non-scaling-stroke" />
        {corners.map((corner, index) => {
          const [cx, cy] = corner.split(",");
          return (
            <circle key={index} cx={cx} cy={cy} r={points.length > 60 ? 0 : 3} fill="currentColor">
              <title>{`${format.dateTime(points[index]?.at ?? new Date(0), zone)}: ${format.number(points[index]?.value ?? 0)}`}</title>
            </circle>
          );
        })}
      </Box>
      <Box sx={{ display: "flex", justifyContent: "space-between" }} aria-hidden>
        {points.length > 0 && (
          <>
            <Typography variant="caption" color="textSecondary">
              {format.date(new Date(first), zone)}
            </Typography>
            <Typography variant="caption" color="textSecondary">
              {format.date(new Date(last), zone)}
            </Typography>
          </>
        )}
      </Box>
      <table style={visuallyHidden}>
        <caption>{label}</caption>
        <tbody>
          {points.map(({ at, value }) => (
            <tr key={toDate(at).getTime()}>
              <th scope="row">{format.dateTime(at, zone)}</th>
              <td>{format.number(value)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Box>
  );
}
