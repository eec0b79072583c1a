import { accounts } from "./accounts";
import { analytics } from "./analytics";
import { calendar } from "./calendar";
import { history } from "./history";
import { login } from "./login";
import { media } from "./media";
import { post } from "./post";
import { publish } from "./publish";
import { review } from "./review";
import { rules } from "./rules";
import { shell } from "./shell";
import { webhooks } from "./webhooks";

export const texts = { accounts, analytics, calendar, history, login, media, post, publish, review, rules, shell, webhooks };
