import { calendar } from "./calendar";
import { history } from "./history";
import { post } from "./post";
import { review } from "./review";
import { shell } from "./shell";

export const texts = { calendar, history, post, review, shell };
