"""What derives from the root secret: one value per purpose, none of which tells of another."""

import hashlib
import hmac


def derive(root: str, purpose: str) -> bytes:
    """32 bytes for one purpose, such as a key for a keyed hash."""
    return hmac.digest(root.encode(), purpose.encode(), hashlib.sha256)


def operator_token(root: str) -> str:
    """What operators' commands show to core."""
    return derive(root, "operator token").hex()


def worker_token(root: str) -> str:
    """What workers show to core."""
    return derive(root, "worker token").hex()
