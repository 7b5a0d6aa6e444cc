// Prints requests and responses for people.
import { STATUS_CODES } from 'node:http';

const colour = process.env.TOLLGATE_COLOUR === '1';
const style = (code) => (text) => (colour ? `\x1b[${code}m${text}\x1b[0m` : text);
const bold = style('1');
const dim = style('2');
const red = style('31');
const green = style('32');
const yellow = style('33');
const cyan = style('36');

/** A token or a body is cut after this many characters. */
const LONGEST = 240;
const WIDTH = 92;
/** The longest name of a member that is shown, and a space. */
const LABEL = 'client_authentication'.length + 1;

/** Headers that explain a response. */
const TELLING = ['www-authenticate', 'retry-after'];

export function heading(number, title, why) {
  console.log(`\n${bold(cyan(`${number}. ${title}`))}`);
  for (const line of wrap(why)) console.log(`   ${line}`);
}

export function remark(text) {
  for (const line of wrap(text)) console.log(`   ${dim(line)}`);
}

/** The request as a command. Tokens are shortened. */
export function request(line) {
  const [first, ...rest] = line.split('\n');
  console.log(`   ${dim('$')} ${bold(first)}`);
  for (const more of rest) console.log(`     ${bold(more)}`);
}

export function answer({ status, headers, text }) {
  const paint = status < 400 ? green : status < 500 ? yellow : red;
  console.log(`   ${paint(`${status} ${STATUS_CODES[status]}`)}`);
  for (const name of TELLING) {
    const value = headers.get(name);
    if (value) console.log(`   ${dim(`${name}:`)} ${value}`);
  }
  const body = text.trim();
  if (body) console.log(`   ${short(body, LONGEST)}`);
}

/** Members of a record that say something, one a line. */
export function facts(record, names) {
  for (const name of names) {
    const value = [record[name] ?? []].flat().join(', ');
    if (value) console.log(`   ${dim(name.padEnd(LABEL))} ${value}`);
  }
}

export function surprise(text) {
  console.log(`   ${red(`SURPRISE: ${text}`)}`);
}

export function short(text, longest) {
  return text.length <= longest ? text : `${text.slice(0, longest)}…`;
}

function wrap(text) {
  const lines = [''];
  for (const word of text.split(/\s+/)) {
    const last = lines.length - 1;
    if (lines[last].length + word.length + 1 > WIDTH) lines.push(word);
    else lines[last] += (lines[last] ? ' ' : '') + word;
  }
  return lines;
}
