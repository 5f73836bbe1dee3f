"""What schemathesis cannot know of the API."""

import re
import uuid

import schemathesis


@schemathesis.hook
def before_call(context, case, kwargs):
    """Makes every valid key a new one, of a length that stays valid.

    A key that comes again with another body is rightly refused with 422; each case would otherwise depend on
    those before it, in this run and in earlier ones. Malformed keys stay as they are.
    """
    for name in list(case.headers or {}):
        key = str(case.headers[name])
        if name.lower() == "idempotency-key" and re.fullmatch(r"[!-~]{1,255}", key):
            mark = f"-{uuid.uuid4().hex}"
            longest = 245  # of a batch; a longer key is malformed there, and must stay so
            keep = key if len(key) + len(mark) <= longest else key[: -len(mark)]
            case.headers[name] = keep + mark
