// Take the addresses out of package-lock.json: run this after each `npm install`.
//
// `.npmrc` leaves out where packages were downloaded from; what remains are the links for donations, which `npm ci`
// does not need. Hashes stay, so that every package is still checked.
import { readFileSync, writeFileSync } from "node:fs";

const path = new URL("../package-lock.json", import.meta.url);
const lock = JSON.parse(readFileSync(path, "utf8"));
for (const entry of Object.values(lock.packages)) delete entry.funding;
writeFileSync(path, `${JSON.stringify(lock, null, 2)}\n`);
