/* Calls to hive-apid. Every reply is JSON; every failure is an Error whose message a person can read. */

const TIMEOUT_MS = 15000; // a list of 5,000 miners takes well under a second; longer means the daemon hangs

export class ApiError extends Error {
  constructor(message, status, retryAfter = null, code = null) {
    super(message);
    this.status = status;
    this.code = code; // the server's, where there is one
    this.retryAfter = retryAfter; // seconds, where the server names them
  }
}

let onRefused = () => {};

/* Call `tell(status)` whenever a call is answered 401 or 403: the session ended, or its role changed. */
export function whenRefused(tell) {
  onRefused = tell;
}

async function call(method, path, body, signal) {
  const limit = AbortSignal.timeout(TIMEOUT_MS);
  const request = {
    method,
    headers: { Accept: "application/json" },
    credentials: "same-origin",
    signal: signal ? AbortSignal.any?.([signal, limit]) ?? signal : limit,
  };
  if (body !== undefined) {
    request.headers["Content-Type"] = "application/json";
    request.body = JSON.stringify(body);
  }
  let reply;
  try {
    reply = await fetch(path, request);
  } catch (err) {
    if (signal?.aborted) throw err;
    throw new ApiError(err.name === "TimeoutError" ? "hive-apid takes too long to answer" : "hive-apid cannot be reached", 0);
  }
  const document = await reply.json().catch(() => null);
  if (reply.ok) return document;
  if (reply.status === 401 || reply.status === 403) onRefused(reply.status);
  const wait = Number.parseInt(reply.headers.get("Retry-After") ?? "", 10);
  throw new ApiError(document?.error ?? `hive-apid answered ${reply.status}`, reply.status, Number.isNaN(wait) ? null : wait, document?.code ?? null);
}

export const get = (path, signal) => call("GET", path, undefined, signal);
export const patch = (path, body) => call("PATCH", path, body);
export const put = (path, body) => call("PUT", path, body);
export const post = (path, body) => call("POST", path, body);
export const remove = (path) => call("DELETE", path);
