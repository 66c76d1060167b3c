// Builds the programs of the interactive pages into src/restudy/views/pages, or into the folder
// given as the only argument. Their licences go beside them.

import { build } from "esbuild";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const target = resolve(process.argv[2] ?? join(here, "../src/restudy/views/pages"));
const programs = readdirSync(join(here, "src"))
  .flatMap((name) => [`src/${name}/main.jsx`, `src/${name}/main.js`])
  .filter((path) => existsSync(join(here, path)));

mkdirSync(target, { recursive: true });
const used = new Set();
for (const path of programs) {
  const { metafile } = await build({
    absWorkingDir: here,
    entryPoints: { [basename(dirname(path))]: path },
    outdir: target,
    bundle: true,
    minify: true,
    metafile: true,
    format: "iife",
    target: ["chrome110", "firefox115", "safari16.4"],
    jsx: "automatic",
    jsxImportSource: "preact",
    charset: "utf8",
    legalComments: "none",
  });
  for (const file of Object.keys(metafile.inputs)) {
    const parts = file.split("node_modules/").pop().split("/");
    if (file.includes("node_modules/"))
      used.add(parts[0].startsWith("@") ? parts.slice(0, 2).join("/") : parts[0]);
  }
}

const notices = [...used].sort().map((name) => {
  const folder = join(here, "node_modules", name);
  const { version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
  if (!file) throw new Error(`${name} comes without a licence text`);
  const text = readFileSync(join(folder, file), "utf8").trim();
  return `${name} ${version} (${license})\n\n${text}\n`;
});
writeFileSync(join(target, "LICENSES.txt"), notices.join(`\n${"-".repeat(72)}\n\n`));
