"""Every setting, declared once: its variable, how it is read, its default, what it is for.

Read once at start from the environment into one frozen object. A secret can
also be given as `…_FILE`, the path of a file that holds it.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import Field, dataclass, field, fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

PREFIX = "TASKFORGE_"
EMBEDDED = "embedded"

ReadText = Callable[[str], str]


class SettingsError(Exception):
    """The environment is wrong; the message has a line per fault."""


def _text(value: str) -> str:
    return value


def _integer(least: int, most: int = 2**31 - 1) -> Callable[[str], int]:
    def parse(value: str) -> int:
        if not re.fullmatch(r"\d{1,10}", value) or not least <= int(value) <= most:
            raise ValueError(f"must be a whole number from {least} to {most}")
        return int(value)

    return parse


def _seconds(value: str) -> float:
    if not re.fullmatch(r"\d{1,9}(\.\d{1,6})?", value) or float(value) <= 0:
        raise ValueError("must be a number of seconds above 0")
    return float(value)


def _choice(*choices: str) -> Callable[[str], str]:
    def parse(value: str) -> str:
        if value not in choices:
            raise ValueError(f"must be one of {', '.join(choices)}")
        return value

    return parse


def _address(value: str) -> str:
    host, _, port = value.rpartition(":")
    if not host or not re.fullmatch(r"\d{1,5}", port) or int(port) > 65535:  # noqa: PLR2004
        raise ValueError("must be HOST:PORT, such as 127.0.0.1:8080")
    return value


def _addresses(value: str) -> str:
    """One address, or several that are IPv4: gRPC resolves one name at a time."""
    several = value.split(",")
    for address in several:
        _address(address)
        if len(several) > 1 and not re.fullmatch(r"\d{1,3}(\.\d{1,3}){3}:\d+", address):
            raise ValueError("must be HOST:PORT, or several IPv4 addresses, such as 10.0.0.1:50051")
    return value


def _url(*schemes: str) -> Callable[[str], str]:
    def parse(value: str) -> str:
        if urlsplit(value).scheme not in schemes:
            raise ValueError(f"must begin with {' or '.join(f'{s}://' for s in schemes)}")
        return value

    return parse


def _ollama_url(value: str) -> str:
    if value == EMBEDDED:
        return value
    each = [one.strip().rstrip("/") for one in value.split(",")]
    return ",".join(_url("http", "https")(one) for one in each)


def _rate(value: str) -> str:
    if not RATE.fullmatch(value):
        raise ValueError("must be COUNT/second, /minute, /hour or /day, such as 600/minute")
    return value


RATE = re.compile(r"[1-9]\d{0,8}/(second|minute|hour|day)")


def _host_names(value: str) -> frozenset[str]:
    names = frozenset(name.lower().removesuffix(".") for name in re.split(r"[\s,]+", value) if name)
    if not all(_HOST_NAME.fullmatch(name) for name in names):
        raise ValueError(
            "must be names of hosts with commas between, such as hooks.example.internal"
        )
    return names


# Not an address: its last part has a letter.
_HOST_NAME = re.compile(r"([a-z0-9_-]{1,63}\.)*(?=[a-z0-9_-]*[a-z])[a-z0-9_-]{1,63}")


def _secret(value: str) -> str:
    if len(value) < 16:  # noqa: PLR2004
        raise ValueError("must have at least 16 characters")
    return value


def _setting(
    parse: Callable[[str], Any], default: str | None, purpose: str, *, secret: bool = False
) -> Any:
    return field(
        repr=not secret,
        metadata={"parse": parse, "default": default, "purpose": purpose, "secret": secret},
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """One process's settings. The variable of `core_bind` is `TASKFORGE_CORE_BIND`.

    A default of None means that it follows from other settings or is found at
    start; the purpose says how.
    """

    data_dir: Path = _setting(Path, "./data", "Folder for all that the embedded default writes.")
    database_url: str = _setting(
        _url("sqlite", "postgresql", "postgres"),
        None,
        "`postgresql://…` or `sqlite:///PATH`. Unset: SQLite in the data folder.",
        secret=True,
    )
    queue_url: str = _setting(
        _url("sqlite", "redis", "rediss"),
        None,
        "`redis://…` or `sqlite:///PATH`. Unset: SQLite in the data folder.",
        secret=True,
    )
    core_bind: str = _setting(_address, "127.0.0.1:50051", "Where core listens for gRPC.")
    core_addr: str = _setting(
        _addresses,
        None,
        "Where edge, worker and commands find core: `HOST:PORT`, whose name may have several "
        "addresses, or IPv4 addresses with ports, separated by commas. They are used in turn, "
        "without those that are away. Unset: `TASKFORGE_CORE_BIND`, on loopback.",
    )
    edge_bind: str = _setting(_address, "127.0.0.1:8080", "Where the edge listens for HTTP.")
    ollama_url: str | None = _setting(
        _ollama_url,
        None,
        "`http://HOST:11434`, several of them with commas between (each has the model; the least "
        "busy one is asked), or `embedded` for the small model that comes along. "
        "Unset: an Ollama on its standard port; where none answers and no model is named, the "
        "embedded model.",
    )
    ollama_model: str | None = _setting(
        _text,
        None,
        "Name of the model; the embedded one has its own. Unset: the first installed chat model.",
    )
    ollama_parallel: int = _setting(
        _integer(1, 64),
        "1",
        "Calls that one job makes to each Ollama server at once, where a long spec takes several; "
        "as that server's `OLLAMA_NUM_PARALLEL`.",
    )
    profile: str = _setting(
        _choice("auto", "extractive", "freeform"),
        "auto",
        "`extractive`: the model chooses among sentences of the spec, for small models. "
        "`freeform`: the model writes. `auto`: by the model's size.",
    )
    generation_timeout_s: float = _setting(
        _seconds, "600", "Seconds for one attempt's generation, all its calls and waits included."
    )
    workers: int | None = _setting(
        _integer(1, 256),
        None,
        "Generations at once per worker process. Unset: 4, with the embedded model 1.",
    )
    rate_limit: str = _setting(_rate, "600/minute", "Calls per API key.")
    max_queued: int = _setting(_integer(0), "1000", "Queued jobs per client.")
    max_body_bytes: int = _setting(
        _integer(1024, 64 * 1024 * 1024), str(1024 * 1024), "Largest request body, in bytes."
    )
    job_ttl_s: float = _setting(_seconds, "86400", "Seconds that a job has to finish.")
    retention_days: int = _setting(
        _integer(1, 3650), "30", "Days after its end that a job and its texts are kept."
    )
    lease_s: float = _setting(_seconds, "60", "Seconds that a silent worker keeps its job.")
    heartbeat_s: float = _setting(_seconds, "15", "Seconds between a worker's heartbeats.")
    sweep_s: float = _setting(_seconds, "10", "Seconds between sweeps for expired leases and jobs.")
    max_attempts: int = _setting(_integer(1, 100), "3", "Attempts before a job fails.")
    retry_delay_s: float = _setting(
        _seconds, "10", "Seconds before the second attempt; the third waits four times as long."
    )
    max_lease_losses: int = _setting(
        _integer(1, 1000), "10", "Times that a job may lose its worker before it fails."
    )
    callback_timeout_s: float = _setting(
        _seconds, "15", "Seconds that a receiver has in all to take a callback."
    )
    callback_internal_hosts: frozenset[str] = _setting(
        _host_names,
        "",
        "Names of hosts, with commas between, that may be called back though they are local or "
        "private. Core reads it. Unset: none.",
    )
    callback_ca_file: Path | None = _setting(
        Path,
        None,
        "PEM file of certificate authorities that receivers may have besides the public ones. "
        "Workers read it.",
    )
    callback_threads: int = _setting(
        _integer(1, 1024),
        "256",
        "Callbacks that a worker process delivers at once, each on a thread that is there only "
        "as long as it is needed.",
    )
    drain_s: float = _setting(
        _seconds, "20", "Seconds that running work gets to finish when a process is stopped."
    )
    core_threads: int = _setting(_integer(2, 512), "32", "Calls that core handles at once.")
    edge_threads: int = _setting(_integer(1, 512), "16", "Requests that the edge handles at once.")
    log_level: str = _setting(
        _choice("debug", "info", "warning", "error"), "info", "Least severe line that is logged."
    )
    core_tls_cert: Path | None = _setting(
        Path,
        None,
        "Core's certificate with its chain. With it core speaks TLS only; files changed later "
        "count for new connections.",
    )
    core_tls_key: Path | None = _setting(Path, None, "The private key of that certificate.")
    core_tls_client_ca: Path | None = _setting(
        Path,
        None,
        "CA of the certificates that callers have to bring to core. Unset: none is asked for.",
    )
    core_tls_ca: Path | None = _setting(
        Path,
        None,
        "CA of core's certificate. With it edge, worker and commands speak TLS to core, and to "
        "nobody else's.",
    )
    core_tls_name: str | None = _setting(
        _text,
        None,
        "Name that core's certificate has to be for. Unset: the host of `TASKFORGE_CORE_ADDR`.",
    )
    core_tls_client_cert: Path | None = _setting(
        Path, None, "Certificate that edge, worker and commands bring to core."
    )
    core_tls_client_key: Path | None = _setting(Path, None, "The private key of that certificate.")
    edge_tls_cert: Path | None = _setting(
        Path, None, "The edge's certificate with its chain. With it the edge speaks HTTPS only."
    )
    edge_tls_key: Path | None = _setting(Path, None, "The private key of that certificate.")
    secret_key: str | None = _setting(
        _secret,
        None,
        "Root secret of core and operators: the hash of keys and the tokens derive from it. "
        "Unset: made at first start, in the data folder.",
        secret=True,
    )
    worker_token: str | None = _setting(
        _secret,
        None,
        "What workers show to core. Unset: derived from the root secret.",
        secret=True,
    )
    operator_token: str | None = _setting(
        _secret,
        None,
        "What operators' commands show to core. Unset: derived from the root secret.",
        secret=True,
    )

    @property
    def retention_s(self) -> float:
        """`retention_days` in seconds."""
        return self.retention_days * 86_400.0

    @property
    def core_addresses(self) -> list[tuple[str, int]]:
        """`core_addr` as hosts and ports, of which a host may be a name."""
        several = (address.rpartition(":") for address in self.core_addr.split(","))
        return [(host.strip("[]"), int(port)) for host, _, port in several]


def variable(declared: "Field[Any]") -> str:
    """The environment variable of a field of `Settings`."""
    return PREFIX + declared.name.upper()


def written(value: Any) -> str:
    """A setting's value as its variable has it."""
    if isinstance(value, frozenset):
        return ",".join(sorted(value))
    return f"{value:f}" if isinstance(value, float) else str(value)


def load(environ: Mapping[str, str], read_text: ReadText) -> Settings:
    """The settings that an environment asks for.

    Args:
        environ: Variables; an empty value counts as unset.
        read_text: Returns the text of the file that a `…_FILE` variable names.

    Raises:
        SettingsError: A line for each variable that is wrong.
    """
    values: dict[str, Any] = {}
    faults: list[str] = []
    for declared in fields(Settings):
        try:
            raw = _raw(declared, environ, read_text)
            values[declared.name] = None if raw is None else declared.metadata["parse"](raw)
        except (ValueError, OSError) as fault:
            faults.append(f"{variable(declared)}: {fault}")
    if faults:
        raise SettingsError("\n".join(faults))
    if values["heartbeat_s"] >= values["lease_s"]:
        raise SettingsError("TASKFORGE_HEARTBEAT_S: must be less than TASKFORGE_LEASE_S")
    if lacking := [_lacking(*pair) for pair in _NEEDS if values[pair[0]] and not values[pair[1]]]:
        raise SettingsError("\n".join(lacking))
    return Settings(**_with_derived(values))


# What makes no sense without another setting.
_NEEDS = (
    ("core_tls_cert", "core_tls_key"),
    ("core_tls_key", "core_tls_cert"),
    ("core_tls_client_ca", "core_tls_cert"),
    ("core_tls_name", "core_tls_ca"),
    ("core_tls_client_cert", "core_tls_ca"),
    ("core_tls_client_cert", "core_tls_client_key"),
    ("core_tls_client_key", "core_tls_client_cert"),
    ("edge_tls_cert", "edge_tls_key"),
    ("edge_tls_key", "edge_tls_cert"),
)


def _lacking(name: str, needed: str) -> str:
    return f"{PREFIX}{name.upper()}: needs {PREFIX}{needed.upper()}, which is not set"


def _raw(declared: "Field[Any]", environ: Mapping[str, str], read_text: ReadText) -> str | None:
    name = variable(declared)
    given, file = environ.get(name, ""), environ.get(f"{name}_FILE", "")
    if not declared.metadata["secret"]:
        file = ""
    if given and file:
        raise ValueError(f"is set, and {name}_FILE too; set one of them")
    if file:
        return read_text(file).strip()
    return given or declared.metadata["default"]


def _with_derived(values: dict[str, Any]) -> dict[str, Any]:
    """The values, with those that follow from others filled in."""
    data_dir: Path = values["data_dir"].absolute()
    host, _, port = values["core_bind"].rpartition(":")
    reachable = "127.0.0.1" if host in {"0.0.0.0", "[::]"} else host
    return {
        **values,
        "data_dir": data_dir,
        "database_url": values["database_url"] or f"sqlite:///{data_dir / 'taskforge.db'}",
        "queue_url": values["queue_url"] or f"sqlite:///{data_dir / 'queue.db'}",
        "core_addr": values["core_addr"] or f"{reachable}:{port}",
    }
