"""What a receiver's name resolves to, checked: nothing private unless the operator allows it."""

import threading
from queue import Empty, SimpleQueue

from tickets.callback_url import address_problem
from worker.line import Address, look_up


class AddressError(Exception):
    """The receiver may not be called, or cannot be found; the message is for operators."""


def checked(host: str, port: int, *, internal: bool, within_s: float) -> list[Address]:
    """The addresses of a host, all of which may be called.

    Args:
        host: A name, or an address.
        port: To connect to.
        internal: The host may be local or private.
        within_s: What the look-up may take.

    Raises:
        AddressError: There is none, or one among them may not be called.
    """
    found = _looked_up(host, port, within_s)
    if not internal:
        for *_, (address, *_) in found:
            if problem := address_problem(address):
                raise AddressError(f"the host's address {problem}")
    return found


def _looked_up(host: str, port: int, within_s: float) -> list[Address]:
    """A look-up cannot be interrupted, so it runs on a thread that can be left behind."""
    answers: SimpleQueue[list[Address] | None] = SimpleQueue()

    def ask() -> None:
        try:
            answers.put(look_up(host, port))
        except (OSError, UnicodeError):
            answers.put(None)

    threading.Thread(target=ask, name="look-up", daemon=True).start()
    try:
        found = answers.get(timeout=within_s)
    except Empty:
        raise AddressError("the host's name could not be looked up in time") from None
    if not found:
        raise AddressError("the host's name has no address")
    return found
