// Makes the n8n database that tests begin with, while nobody waits for it yet: `node rig/template.js`.

import { join } from "node:path";

import { N8n } from "./n8n.js";
import { setting } from "./setting.js";

await N8n.prepare(join(setting("N8N_SCRATCH"), "template"), { tarball: null });
