"""The id that a call carries through logs and answers: its caller's own, or a new one."""

import random
import re

_FIT = re.compile(r"[\x21-\x7e]{1,128}")


def given_or_new(given: str) -> str:
    """The caller's id where it is fit for a log line, else a new one.

    A new one only has to be told from others: `uuid4` would ask the operating
    system, and while it waits another thread takes over.
    """
    return given if _FIT.fullmatch(given) else f"{random.getrandbits(128):032x}"
