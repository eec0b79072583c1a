// The front end's own server: the page, built as a front end builds it, and WordPress with its JWT plugin, as far as a
// login goes. https://wordpress.org/plugins/jwt-authentication-for-wp-rest-api/

import { readFile } from "node:fs/promises";
import { createServer } from "node:http";

import { build } from "esbuild";

const TYPES = { html: "text/html; charset=utf-8", js: "text/javascript; charset=utf-8", json: "application/json" };

/** The page's script, with the core's address in it. */
export async function bundle(core) {
  const entry = new URL("page/dashboard.js", import.meta.url).pathname;
  const built = await build({
    entryPoints: [entry],
    bundle: true,
    format: "esm",
    write: false,
    define: { CORE: JSON.stringify(core) },
  });
  return built.outputFiles[0].text;
}

/** Serves the page on a port (0: a free one). `token(name, password)` answers undefined for strangers. */
export async function serve(port, script, token) {
  const html = await readFile(new URL("page/index.html", import.meta.url), "utf8");
  const server = createServer(async (request, response) => {
    const send = (status, type, body) => response.writeHead(status, { "content-type": TYPES[type] }).end(body);
    if (request.method === "POST" && request.url === "/wp-json/jwt-auth/v1/token") {
      let body = "";
      for await (const piece of request) {
        body += piece;
      }
      const { username, password } = JSON.parse(body);
      const made = await token(username, password);
      if (made) {
        send(200, "json", JSON.stringify({ token: made, user_nicename: username }));
      } else {
        const code = "[jwt_auth] incorrect_password";
        send(403, "json", JSON.stringify({ code, message: "The password is wrong.", data: { status: 403 } }));
      }
    } else if (request.url === "/dashboard.js") {
      send(200, "js", script);
    } else {
      send(200, "html", html);
    }
  });
  await new Promise((listening, failed) => server.once("error", failed).listen(port, "127.0.0.1", listening));
  return server;
}
