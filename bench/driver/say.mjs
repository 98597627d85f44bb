// What is told while it runs, on stderr.
const bold = (text) => (process.stderr.isTTY ? `\x1b[1m${text}\x1b[0m` : text);

export const say = (text) => process.stderr.write(`\n${bold(`== ${text}`)}\n`);
export const tell = (text) => process.stderr.write(`${text}\n`);

export const leftOut = [];
export function leaveOut(what) {
  leftOut.push(what);
  tell(`left out: ${what}`);
}
