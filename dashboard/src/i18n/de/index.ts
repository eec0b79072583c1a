import { accounts } from "./accounts";
import { calendar } from "./calendar";
import { history } from "./history";
import { login } from "./login";
import { media } from "./media";
import { post } from "./post";
import { review } from "./review";
import { shell } from "./shell";

export const texts = { accounts, calendar, history, login, media, post, review, shell };
