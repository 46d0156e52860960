"""Says which POSTs the Standard Webhooks library accepts.

Reads a JSON array from standard input: the secret, whether it is text or base64 behind a prefix, the headers
and the body of each POST. Prints a JSON array of booleans.
"""

import json
import sys

from standardwebhooks import Webhook, WebhookVerificationError


def accepts(post):
    secret = post["secret"].encode() if post["is_text"] else post["secret"]
    try:
        Webhook(secret).verify(post["body"], post["headers"])
    except WebhookVerificationError:
        return False
    return True


json.dump([accepts(post) for post in json.loads(sys.stdin.buffer.read())], sys.stdout)
