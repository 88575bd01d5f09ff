// The HTTP API of the node, as everybody may use it: each action here is one request, and can be shown as such.

const KEY = 'admin key';

const key = () => sessionStorage[KEY];
export const keep = (key) => (sessionStorage[KEY] = key);

/** Asks the node; throws `{ status, code, message }`. */
export async function call(method, path, body) {
  const headers = {};
  if (key()) headers.authorization = `Bearer ${key()}`;
  if (body) headers['content-type'] = 'application/json';
  let answer;
  try {
    answer = await fetch(path, { method, headers, body: body && JSON.stringify(body), cache: 'no-store' });
  } catch {
    throw { status: 0, code: 'unreachable', message: 'The node does not answer' };
  }
  const told = await answer.json().catch(() => ({}));
  if (answer.ok) return told;
  const { code = `http_${answer.status}`, title = answer.statusText, detail } = told;
  throw { status: answer.status, code, message: detail ?? title };
}

export const get = (path) => call('GET', path);

/** A path of the API, its parts and those of its parameters that are given encoded. */
export function path(parts, parameters = {}) {
  const given = Object.entries(parameters).filter(([, value]) => value);
  return ['/api/v1', ...parts.map(encodeURIComponent)].join('/') + (given.length ? `?${new URLSearchParams(given)}` : '');
}

const quoted = (text) => `'${text.replaceAll("'", `'\\''`)}'`;

/** The request as a command for a shell; the key stays where it is. */
export function curl([method, where, body]) {
  const words = ['curl'];
  if (method !== 'GET') words.push(`-X ${method}`);
  if (key()) words.push('-H "Authorization: Bearer $HEIMDALLR_KEY"');
  if (body) words.push(`-H 'Content-Type: application/json' -d ${quoted(JSON.stringify(body))}`);
  return [...words, quoted(location.origin + where)].join(' ');
}
