// Compare the built page with its budget: run this after `npm run build`, with the folder of the build if it is not dist.
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

const BUDGET = 100_000;
const folder = process.argv[2] ?? new URL("../dist", import.meta.url).pathname;
const files = readdirSync(folder, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && /\.(js|css|html|svg)$/.test(entry.name))
  .map((entry) => join(entry.parentPath, entry.name));

const totals = { page: 0, widget: 0 };
for (const file of files) {
  const bytes = readFileSync(file);
  const compressed = gzipSync(bytes).length;
  totals[file.endsWith("widget.js") ? "widget" : "page"] += compressed;
  console.log(`${file.slice(folder.length + 1)}: ${bytes.length} bytes, ${compressed} compressed`);
}
let isOver = false;
for (const [name, total] of Object.entries(totals)) {
  console.log(`${name}: ${total} of ${BUDGET} bytes, compressed`);
  isOver ||= total === 0 || total > BUDGET;
}
if (isOver) {
  console.error("The page or the widget is missing, or over its budget.");
  process.exitCode = 1;
}
