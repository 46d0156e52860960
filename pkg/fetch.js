/** The most of an answer's body that is read, in bytes: nothing in it is of interest. */
const BODY_LIMIT = 65536;

/** What Node says is wrong, in the driver's terms. A browser does not say. */
const FAILURES = [
  [/^(ENOTFOUND|EAI_)/, "dns"],
  [/CERT|TLS|SSL|UNABLE_TO_VERIFY|SELF_SIGNED/, "tls"],
  [/TIMEOUT|ETIMEDOUT/, "timeout"],
  [/^(ECONN|EPIPE|EHOST|ENET|UND_ERR_SOCKET)/, "refused"],
];

/** The way out by `fetch`. */
export function fetchHttp() {
  return {
    async post({ url, headers, body, timeout_ms, wanted }) {
      try {
        const answer = await fetch(url, {
          method: "POST",
          headers,
          body,
          redirect: "manual",
          credentials: "omit",
          referrerPolicy: "no-referrer",
          signal: AbortSignal.timeout(timeout_ms),
        });
        if (answer.type === "opaqueredirect") {
          return { failure: "other", reason: "it redirects, which is not followed" };
        }
        if (!(await isReadToItsEnd(answer.body))) return { failure: "too-large" };
        return {
          status: answer.status,
          headers: [...answer.headers].filter(([name]) => wanted.includes(name)),
        };
      } catch (error) {
        return failure(error);
      }
    },
  };
}

/** Whether a body ends within the limit. One that does not is read no further. */
async function isReadToItsEnd(body) {
  if (body === null) return true;
  const reader = body.getReader();
  for (let size = 0; size <= BODY_LIMIT; ) {
    const { done, value } = await reader.read();
    if (done) return true;
    size += value.length;
  }
  await reader.cancel();
  return false;
}

function failure(error) {
  if (error?.name === "TimeoutError") return { failure: "timeout" };
  const code = String(error?.cause?.code ?? "");
  const [, kind] = FAILURES.find(([pattern]) => pattern.test(code)) ?? [, "other"];
  return { failure: kind, reason: code || String(error?.message ?? error) };
}
