// What a receiver does that uses the Standard Webhooks library.

import { Webhook, WebhookVerificationError } from "standardwebhooks";

/** Whether the library accepts a POST. A secret that is text is its bytes; another one begins with `whsec_`. */
export function accepts({ secret, is_text, headers, body }) {
  const webhook = is_text
    ? new Webhook(new TextEncoder().encode(secret), { format: "raw" })
    : new Webhook(secret);
  try {
    webhook.verify(body, headers);
    return true;
  } catch (error) {
    // Anything else is no judgement of the POST.
    if (error instanceof WebhookVerificationError) return false;
    throw error;
  }
}
