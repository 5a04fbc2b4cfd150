"""A gRPC server that does what a test tells it to, its HTTP/2 by a third party's library."""

import socket
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from google.protobuf.message import Message
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import DataReceived, Event, PingAckReceived, RequestReceived, StreamEnded
from h2.exceptions import ProtocolError
from h2.settings import SettingCodes

_ANSWER_HEAD = ((":status", "200"), ("content-type", "application/grpc"))


@dataclass
class Call:
    """One call, as the server sees it; what it sends goes out when the act returns, or `flush`."""

    http2: H2Connection
    socket: socket.socket
    number: int
    path: str
    body: bytearray = field(default_factory=bytearray)

    def answer(
        self, message: Message, *trailers: tuple[str, str], padding: int | None = None
    ) -> None:
        """Ends the call well."""
        data = message.SerializeToString()
        framed = b"\0" + len(data).to_bytes(4) + data
        self.http2.send_headers(self.number, _ANSWER_HEAD)
        self.http2.send_data(self.number, framed, pad_length=padding)
        self.http2.send_headers(self.number, [("grpc-status", "0"), *trailers], end_stream=True)

    def refuse(self, status: int, *trailers: tuple[str, str]) -> None:
        """Ends the call without a body."""
        fields = [*_ANSWER_HEAD, ("grpc-status", str(status)), *trailers]
        self.http2.send_headers(self.number, fields, end_stream=True)

    def flush(self) -> None:
        self.socket.sendall(self.http2.data_to_send())

    def hang_up(self) -> None:
        self.flush()
        self.socket.shutdown(socket.SHUT_RDWR)


Act = Callable[[Call], None]


class ScriptedCore:
    """The n-th call that comes in gets the n-th act, those after the last get that one.

    Args:
        acts: Are called with a call whose body has come whole.
        at_once: Acts are called when a call's headers have come.
        window: Bytes of a body that a client may send before it is granted more.
    """

    def __init__(self, acts: Sequence[Act], *, at_once: bool = False, window: int = 65_535) -> None:
        self._acts = acts
        self._at_once = at_once
        self._window = window
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listening.getsockname()[1]}"
        self.calls: list[Call] = []
        self.connections: list[socket.socket] = []
        self.pings_answered = 0
        # While it is, what comes on a connection is never looked at again, as behind a cut cable.
        self.deaf = False

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        for connected in (self._listening, *self.connections):
            connected.close()

    def _accept(self) -> None:
        while True:
            try:
                connected, _ = self._listening.accept()
            except OSError:
                return
            self.connections.append(connected)
            threading.Thread(target=self._serve, args=(connected,), daemon=True).start()

    def _serve(self, connected: socket.socket) -> None:
        http2 = H2Connection(H2Configuration(client_side=False, header_encoding="utf-8"))
        http2.initiate_connection()
        http2.update_settings({SettingCodes.INITIAL_WINDOW_SIZE: self._window})
        calls: dict[int, Call] = {}
        try:
            connected.sendall(http2.data_to_send())
            while received := connected.recv(65_536):
                if self.deaf:
                    return
                for event in http2.receive_data(received):
                    self._take(event, http2, connected, calls)
                connected.sendall(http2.data_to_send())
        except (OSError, ProtocolError):
            connected.close()

    def _take(
        self, event: Event, http2: H2Connection, connected: socket.socket, calls: dict[int, Call]
    ) -> None:
        if isinstance(event, RequestReceived):
            fields: dict[Any, Any] = dict(event.headers or ())
            number = event.stream_id or 0
            calls[number] = call = Call(http2, connected, number, fields[":path"])
            if self._at_once:
                self._act(call)
        elif isinstance(event, DataReceived):
            calls[event.stream_id or 0].body += event.data or b""
            http2.acknowledge_received_data(event.flow_controlled_length or 0, event.stream_id or 0)
        elif isinstance(event, StreamEnded) and not self._at_once:
            self._act(calls[event.stream_id or 0])
        elif isinstance(event, PingAckReceived):
            self.pings_answered += 1

    def _act(self, call: Call) -> None:
        act = self._acts[min(len(self.calls), len(self._acts) - 1)]
        self.calls.append(call)
        act(call)
