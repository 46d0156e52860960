/** The longest body of a request, in bytes. */
const BODY_LIMIT = 1048576;

/** The webhook as a handler of Fetch-API requests. */
export function webhookHandler(driver, caller) {
  return async (request) => {
    const body = await read(request.body);
    if (body === undefined) return failed(413, "the body is longer than 1 MiB");
    const [status, headers, text] = await driver.request(
      request.method,
      [...request.headers],
      body,
      caller,
    );
    return new Response(text, { status, headers });
  };
}

/** A whole body, or nothing if it is too long. */
async function read(stream) {
  const parts = [];
  let size = 0;
  if (stream !== null) {
    const reader = stream.getReader();
    for (let part; !(part = await reader.read()).done; ) {
      size += part.value.length;
      if (size > BODY_LIMIT) {
        await reader.cancel();
        return undefined;
      }
      parts.push(part.value);
    }
  }
  const body = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    body.set(part, at);
    at += part.length;
  }
  return body;
}

function failed(status, sentence) {
  return Response.json({ error: sentence }, { status });
}
