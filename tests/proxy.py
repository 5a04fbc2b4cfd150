"""A TCP proxy that can go deaf: a network that is half open.

While it swallows, every connection, old or new, stays up and its bytes go
nowhere. After it has healed new connections work; those that were there
meanwhile stay deaf for ever, as a connection does that a firewall has forgotten.
"""

import socket
import threading
from contextlib import suppress
from typing import Self

_MOST = 1 << 16


class Proxy:
    """Listens at `address` and connects each caller to `target`. Use it as a context manager.

    Args:
        target: `HOST:PORT`; it need not be there yet.
    """

    def __init__(self, target: str) -> None:
        host, _, port = target.rpartition(":")
        self._target = (host, int(port))
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self._lock = threading.Lock()
        self._swallows = False
        self._links: set[_Link] = set()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        # Closing alone would not wake the thread that accepts.
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            links = list(self._links)
        for link in links:
            link.end()

    def links(self) -> set[int]:
        """The connections that are open, each by a number."""
        with self._lock:
            return {id(link) for link in self._links}

    def swallow(self) -> None:
        """From now on nothing gets through, and nobody is told."""
        with self._lock:
            self._swallows = True
            for link in self._links:
                link.deaf = True

    def heal(self) -> None:
        """Lets new connections through."""
        with self._lock:
            self._swallows = False

    def _accept(self) -> None:
        while True:
            try:
                caller, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(caller,), daemon=True).start()

    def _serve(self, caller: socket.socket) -> None:
        with self._lock:
            link = _Link(caller, deaf=self._swallows)
            self._links.add(link)
        try:
            link.run(self._target)
        finally:
            with self._lock:
                self._links.discard(link)
            link.end()


class _Link:
    """One caller's connection and the one that was opened for it."""

    def __init__(self, caller: socket.socket, *, deaf: bool) -> None:
        self.deaf = deaf
        self._ends = [caller]

    def run(self, target: tuple[str, int]) -> None:
        [caller] = self._ends
        if self.deaf:
            self._pump(caller, caller)
            return
        try:
            server = socket.create_connection(target, timeout=5)
        except OSError:
            return
        server.settimeout(None)
        self._ends.append(server)
        for end in self._ends:
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        back = threading.Thread(target=self._pump, args=(server, caller), daemon=True)
        back.start()
        self._pump(caller, server)
        back.join()

    def end(self) -> None:
        for end in self._ends:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def _pump(self, source: socket.socket, target: socket.socket) -> None:
        """Passes on what comes, until the source hangs up, which the other end hears of too."""
        with suppress(OSError):
            while data := source.recv(_MOST):
                if not self.deaf:
                    target.sendall(data)
        if not self.deaf:
            with suppress(OSError):
                target.shutdown(socket.SHUT_RDWR)
