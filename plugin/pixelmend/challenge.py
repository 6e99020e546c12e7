"""How an engine shows that it is the one of the state file, before a front end sends it anything.

The front end sends a number that nobody has seen, the engine adds one of its own, and answers with
an HMAC over both under the token that both have read, or written, in the state file. Who listens on
the port of an engine that has ended learns nothing from that: neither the token, nor an answer that
would be true for another number, another port or another engine. Runs on Python 3.9, standard
library only: hosts load it.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from typing import Any, cast

PATH = "/v1/challenge"
NONCE = re.compile("[0-9a-f]{32,64}")
NONCE_BYTES = 16
PURPOSE = "pixelmend engine"  # no other HMAC under the token means this


def new_nonce() -> str:
    """Returns a number that nobody has seen."""
    return secrets.token_hex(NONCE_BYTES)


def proof(token: str, host: str, asked: str, added: str) -> str:
    """Returns what only who knows the token can say of two nonces.

    `host` is the address that is asked, with its port; `asked` is the front end's nonce, `added`
    the engine's.
    """
    words = "\n".join((PURPOSE, host, asked, added))
    return hmac.new(token.encode(), words.encode(), hashlib.sha256).hexdigest()


def proves(answer: object, token: str, host: str, asked: str) -> bool:
    """Tells whether an answer is that of the engine which has this token.

    An engine may have several tokens, and answers for each.
    """
    if not isinstance(answer, dict):
        return False
    fields = cast("dict[str, Any]", answer)
    added, proofs = fields.get("nonce"), fields.get("proofs")
    if not isinstance(added, str) or not NONCE.fullmatch(added) or not isinstance(proofs, list):
        return False
    expected = proof(token, host, asked, added).encode()
    texts = (one for one in cast("list[Any]", proofs) if isinstance(one, str))
    return any(hmac.compare_digest(one.encode("utf-8", "replace"), expected) for one in texts)
