// What the test command hands over, by environment.

/** A variable that `cargo xtask test --only n8n` sets. */
export function setting(name) {
  const value = process.env[name];
  if (!value) {
    throw new Error(`${name} is not set: start these tests with \`cargo xtask test --only n8n\``);
  }
  return value;
}

const OURS = /^(AURAREELS|N8N|TIKTOK|INSTAGRAM|FACEBOOK|META|YOUTUBE|GOOGLE|NODE|npm)_/;

/** The environment without any setting of ours or n8n's, so that a developer's own stay out of a test. */
export function cleanEnvironment() {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !OURS.test(name)));
}
