/** The name of our package; node types begin with it. */
export const PACKAGE = "n8n-nodes-aurareels";
