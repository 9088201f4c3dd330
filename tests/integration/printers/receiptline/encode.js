// [{"text": markup, "cpl": 32, "command": "escpos"}, ...] on standard input, the bytes of each as Base64 on standard output.
"use strict";
const { transform } = require("receiptline");

const jobs = JSON.parse(require("fs").readFileSync(0, "utf8"));
const made = jobs.map(({ text, cpl, command }) =>
  Buffer.from(transform(text, { cpl, command, encoding: "cp437", spacing: true }), "binary").toString("base64"),
);
process.stdout.write(JSON.stringify(made));
