"""One POST to a receiver: bounded in time and in what is read, and only to where it was meant.

It is made over a bare connection, which knows no redirects, proxies, cookies,
stored passwords or retries.
"""

import contextlib
import ssl
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import partial
from http.client import HTTPException

from taskforge.worker.v1 import deliveries_pb2
from urllib3.exceptions import HTTPError
from urllib3.response import BaseHTTPResponse

from tickets import callback_url
from tickets.deliveries import LONGEST_DELAY
from worker.callbacks.addresses import AddressError, checked
from worker.line import Line, TlsConnection

# Of one address; there may be more to try.
_CONNECT_S = 5.0
# What is taken of the reply, so that the receiver is not cut off. Nobody reads it.
_REPLY_BYTES = 4096
_REPLY_S = 1.0
_FAULTS = (AddressError, OSError, HTTPException, HTTPError)


@dataclass(frozen=True, slots=True)
class Answer:
    """How an attempt ended.

    Attributes:
        http_status: What the receiver answered; None when it gave no answer.
        problem: Why there is no answer, for operators.
        retry_after: The receiver asked to wait this long.
    """

    http_status: int | None = None
    problem: str = ""
    retry_after: timedelta | None = None


class Post:
    """A request that is ready to be sent, and can be cut from another thread."""

    def __init__(self, claimed: deliveries_pb2.ClaimedDelivery, tls: ssl.SSLContext) -> None:
        self._claimed = claimed
        self._target = callback_url.target(claimed.url)
        self._timeout_s = claimed.timeout.ToTimedelta().total_seconds()
        addresses = partial(checked, internal=claimed.internal, within_s=self._timeout_s)
        self._line = Line(addresses)
        self._connection = TlsConnection(
            self._target.host,
            self._target.port,
            line=self._line,
            ssl_context=tls,
            timeout=min(_CONNECT_S, self._timeout_s),
        )

    def cut(self) -> None:
        """Ends the call, whatever it is at."""
        self._line.cut()

    def send(self) -> Answer:
        """What the receiver answers; its status decides, however the reply goes on."""
        deadline = time.monotonic() + self._timeout_s
        alarm = threading.Timer(self._timeout_s, self._line.cut)
        alarm.daemon = True
        alarm.start()
        try:
            return self._exchange()
        except _FAULTS as fault:
            return Answer(problem=self._problem(fault, time.monotonic() >= deadline))
        finally:
            alarm.cancel()
            self._connection.close()

    def _exchange(self) -> Answer:
        self._connection.request(
            "POST",
            self._target.path,
            body=self._claimed.body,
            headers=dict(self._claimed.headers),
            preload_content=False,
            decode_content=False,
        )
        self._connection.timeout = self._timeout_s
        response = self._connection.getresponse()
        if self._line.was_cut:
            raise ConnectionAbortedError
        with contextlib.suppress(*_FAULTS):
            self._line.wait_at_most(_REPLY_S)
            response.read1(_REPLY_BYTES, decode_content=False)
        return Answer(http_status=response.status, retry_after=_retry_after(response))

    def _problem(self, fault: Exception, too_late: bool) -> str:
        """What a fault means. Addresses and paths may be secrets, so none is named."""
        if isinstance(fault, AddressError):
            return str(fault)
        if too_late or (isinstance(fault, TimeoutError) and self._line.connected):
            return f"the receiver has not answered within {self._timeout_s:g} s"
        if isinstance(fault, ssl.SSLCertVerificationError):
            return f"the receiver's certificate is not valid: {fault.verify_message}"
        if isinstance(fault, ssl.SSLError):
            return f"TLS with the receiver failed: {fault.reason}"
        if self._line.connected:
            return "the connection broke before the receiver answered"
        return "the receiver cannot be reached"


def _retry_after(response: BaseHTTPResponse) -> timedelta | None:
    """What `Retry-After` asks for, in seconds or as a date, as far as it is granted at all."""
    value = response.headers.get("Retry-After", "")
    with contextlib.suppress(ValueError, OverflowError):
        if value.isascii() and value.isdigit():
            asked = timedelta(seconds=int(value))
        else:
            asked = parsedate_to_datetime(value).astimezone(UTC) - datetime.now(UTC)
        return max(timedelta(), min(asked, LONGEST_DELAY))
    return None
