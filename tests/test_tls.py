"""TLS between the processes: who is let in, who is not, and what a wrong file says at start."""

import socket
import ssl
from collections.abc import Iterator, Mapping
from pathlib import Path

import grpc
import pytest
import requests
from click.testing import CliRunner
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)
from grpc_health.v1 import health_pb2, health_pb2_grpc
from taskforge.tickets.v1 import jobs_pb2

from cli import probe
from cli.environment import read_text
from tests.certificates import Authority
from tests.cli_running import environ, run
from tests.ollama_peer import OllamaPeer
from tests.processes import free_port
from tests.stack import Stack, request, running
from tests.waiting import eventually
from tickets import tls
from tickets.channel import open_channel
from tickets.settings import Settings, SettingsError, load


@pytest.fixture(scope="module")
def secured(
    authority: Authority, peer: OllamaPeer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stack]:
    """All processes, each with a certificate that core asks for."""
    variables = {"TASKFORGE_OLLAMA_URL": peer.url, **authority.core(mutual=True)}
    folder = tmp_path_factory.mktemp("secured")
    with running(variables, folder) as stack:
        yield stack


def settings(stack: Stack, **changes: str) -> Settings:
    """What a process beside the installation reads; an empty value is none."""
    return load({**stack.environ, **changes}, read_text)


def health(found: Settings) -> str:
    """What core says of itself, or the code of the fault that kept it from that."""
    with open_channel(found) as channel:
        check = health_pb2_grpc.HealthStub(channel).Check  # type: ignore[attr-defined] # its stub lacks it
        try:
            answer = check(health_pb2.HealthCheckRequest(), timeout=10)
        except grpc.RpcError as fault:
            return fault.code().name
    return health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status)


def test_a_job_is_done_over_tls(secured: Stack) -> None:
    """Operator, caller, core and worker meet over TLS alone."""
    caller = secured.caller()
    asked = jobs_pb2.TicketsJobSubmitRequest(**request())
    accepted = secured.tickets.SubmitTicketsJob(asked, metadata=caller.metadata)
    wanted = jobs_pb2.GetTicketsJobRequest(job_id=accepted.job_id)

    def status() -> bool:
        job = secured.tickets.GetTicketsJob(wanted, metadata=caller.metadata)
        return bool(job.status == jobs_pb2.JOB_STATUS_COMPLETED)

    assert eventually(status)


def test_a_job_is_done_over_rest_before_a_core_with_tls(secured: Stack) -> None:
    caller = secured.caller()

    # A body of several frames, and one that is done.
    large = caller.submit(spec="Shoppers return items. " * 20_000)
    assert caller.call("DELETE", f"/tickets/v1/jobs/{large}").status_code == 200
    job_id = caller.submit(ticket_count=2)

    assert caller.wait(job_id)["status"] == "completed"
    assert len(caller.get(f"/tickets/v1/jobs/{job_id}/result").json()["tickets"]) == 2
    assert requests.get(f"{secured.url}/readyz", timeout=10).status_code == 200


def test_an_edge_that_does_not_trust_core_says_that_it_is_away(
    secured: Stack, stranger: Authority, tmp_path: Path
) -> None:
    edge = Stack(
        {
            **{name: text for name, text in secured.environ.items() if "TASKFORGE" in name},
            "TASKFORGE_EDGE_BIND": f"127.0.0.1:{free_port()}",
            "TASKFORGE_CORE_TLS_CA": str(stranger.ca),
        },
        tmp_path,
    )
    edge.edge.start()
    try:
        address = edge.environ["TASKFORGE_EDGE_BIND"]
        refused = requests.get(f"http://{address}/tickets/v1/schema", timeout=10)
        assert refused.status_code == 500
        assert refused.json()["error"]["code"] == "internal_error"
    finally:
        edge.edge.stop()
    assert "CERTIFICATE_VERIFY_FAILED" in edge.logs()


def test_commands_reach_core_over_tls(secured: Stack) -> None:
    done = secured.run("clients", "create", "over-tls", "--json")
    assert done.returncode == 0, done.stderr


def test_the_probe_and_doctor_reach_core_over_tls(secured: Stack) -> None:
    assert CliRunner().invoke(probe.main, ["core"], env=secured.environ).exit_code == 0
    checks = secured.run("doctor", "--quick").stdout
    assert "ok    core: serves" in checks
    assert "ok    worker: 1 there" in checks


NO_CERTIFICATE = {"TASKFORGE_CORE_TLS_CLIENT_CERT": "", "TASKFORGE_CORE_TLS_CLIENT_KEY": ""}


def test_who_speaks_without_tls_is_refused(secured: Stack) -> None:
    assert health(settings(secured, **NO_CERTIFICATE, TASKFORGE_CORE_TLS_CA="")) == "UNAVAILABLE"


def test_who_brings_no_certificate_is_refused(secured: Stack) -> None:
    assert health(settings(secured, **NO_CERTIFICATE)) == "UNAVAILABLE"


def test_a_certificate_of_another_ca_is_refused(
    secured: Stack, authority: Authority, stranger: Authority
) -> None:
    brought = {**stranger.caller(), "TASKFORGE_CORE_TLS_CA": str(authority.ca)}
    assert health(settings(secured, **brought)) == "UNAVAILABLE"


def test_a_core_of_another_ca_is_not_trusted(secured: Stack, stranger: Authority) -> None:
    assert health(settings(secured, TASKFORGE_CORE_TLS_CA=str(stranger.ca))) == "UNAVAILABLE"


def test_a_core_with_another_name_is_not_trusted(secured: Stack) -> None:
    assert health(settings(secured)) == "SERVING"
    assert health(settings(secured, TASKFORGE_CORE_TLS_NAME="core.internal")) == "UNAVAILABLE"


def test_a_command_says_why_it_does_not_trust_core(secured: Stack, stranger: Authority) -> None:
    done = secured.run("clients", "list", TASKFORGE_CORE_TLS_CA=str(stranger.ca))
    assert done.returncode == 3
    assert "CERTIFICATE_VERIFY_FAILED" in done.stderr


# Sockets of one's own


def handshake(found: Settings) -> str | None:
    """The protocol that core agrees to over a plain socket with the context."""
    context = tls.ssl_context(found)
    assert context is not None
    with (
        socket.create_connection(found.core_addresses[0], timeout=10) as plain,
        context.wrap_socket(plain, server_hostname=tls.core_name(found)) as encrypted,
    ):
        return encrypted.selected_alpn_protocol()


def test_the_context_agrees_on_http2_with_core(secured: Stack) -> None:
    assert handshake(settings(secured)) == "h2"


def test_the_context_does_not_trust_another_ca_or_name(secured: Stack, stranger: Authority) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(settings(secured, TASKFORGE_CORE_TLS_CA=str(stranger.ca)))
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(settings(secured, TASKFORGE_CORE_TLS_NAME="core.internal"))


def test_there_is_no_context_without_tls() -> None:
    assert tls.ssl_context(load({}, read_text)) is None


# Renewal


def test_core_serves_a_renewed_certificate_without_a_restart(
    authority: Authority, stranger: Authority, tmp_path: Path
) -> None:
    own = Authority(tmp_path / "own")
    with running(own.core(), tmp_path / "stack", rooms=("core",)) as stack:
        assert health(settings(stack)) == "SERVING"
        for was, new in zip(own.issue("core"), stranger.issue("renewed"), strict=True):
            was.write_bytes(new.read_bytes())
        renewed = settings(stack, TASKFORGE_CORE_TLS_CA=str(stranger.ca))
        assert health(renewed) == "SERVING"
        assert health(settings(stack)) == "UNAVAILABLE"
        # One that does not fit its key changes nothing.
        own.folder.joinpath("core.pem").write_bytes(authority.issue("unfit")[0].read_bytes())
        assert health(renewed) == "SERVING"
        assert "is not renewed" in stack.logs()


# HTTPS


def test_the_edge_serves_https(authority: Authority, tmp_path: Path) -> None:
    certificate, key = authority.issue("edge")
    variables = {"TASKFORGE_EDGE_TLS_CERT": str(certificate), "TASKFORGE_EDGE_TLS_KEY": str(key)}
    with running(variables, tmp_path, rooms=("core", "edge")) as stack:
        assert CliRunner().invoke(probe.main, ["edge"], env=stack.environ).exit_code == 0
        assert "ok    edge: ready" in stack.run("doctor", "--quick").stdout
        caller = {"TASKFORGE_URL": stack.url, "TASKFORGE_API_KEY": stack.caller().key}
        trusting = {**caller, "REQUESTS_CA_BUNDLE": str(authority.ca)}
        assert stack.run("tickets", "list", **trusting).returncode == 0
        refused = stack.run("tickets", "list", **caller)
        assert refused.returncode == 3
        assert "certificate is not accepted" in refused.stderr


# Wrong settings


@pytest.fixture
def files(authority: Authority, stranger: Authority, tmp_path: Path) -> Mapping[str, str]:
    """Paths by what is at them."""
    certificate, key = authority.issue("right")
    _, foreign_key = stranger.issue("foreign")
    locked, empty = tmp_path / "locked.key", tmp_path / "empty.pem"
    opened = load_pem_private_key(key.read_bytes(), password=None)
    locked.write_bytes(
        opened.private_bytes(
            Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"password")
        )
    )
    empty.touch()
    return {
        "CERT": str(certificate),
        "KEY": str(key),
        "FOREIGN": str(foreign_key),
        "LOCKED": str(locked),
        "EMPTY": str(empty),
        "CA": str(authority.ca),
        "MISSING": str(tmp_path / "missing.pem"),
    }


SERVED = {"TASKFORGE_CORE_TLS_CERT": "CERT", "TASKFORGE_CORE_TLS_KEY": "KEY"}
BROUGHT = {
    "TASKFORGE_CORE_TLS_CA": "CA",
    "TASKFORGE_CORE_TLS_CLIENT_CERT": "CERT",
    "TASKFORGE_CORE_TLS_CLIENT_KEY": "KEY",
}
HTTPS = {"TASKFORGE_EDGE_TLS_CERT": "CERT", "TASKFORGE_EDGE_TLS_KEY": "KEY"}


UNREADABLE, UNFIT = "cannot be read", "no certificate with its key"
LOCKED, EMPTY = "the key has a password", "holds no certificate"


@pytest.mark.parametrize(
    ("command", "right", "wrong", "what", "told"),
    [
        ("serve core", SERVED, "CORE_TLS_CERT", "MISSING", UNREADABLE),
        ("serve core", SERVED, "CORE_TLS_KEY", "FOREIGN", UNFIT),
        ("serve core", SERVED, "CORE_TLS_KEY", "LOCKED", LOCKED),
        ("serve core", SERVED, "CORE_TLS_CLIENT_CA", "EMPTY", EMPTY),
        ("serve worker", {}, "CORE_TLS_CA", "MISSING", UNREADABLE),
        ("serve worker", BROUGHT, "CORE_TLS_CLIENT_KEY", "FOREIGN", UNFIT),
        ("serve edge", {}, "CORE_TLS_CA", "EMPTY", EMPTY),
        ("serve edge", HTTPS, "EDGE_TLS_KEY", "FOREIGN", UNFIT),
        ("clients list", {}, "CORE_TLS_CA", "MISSING", UNREADABLE),
    ],
)
def test_a_wrong_file_ends_the_process_at_start(  # noqa: PLR0917 - a row of the table above
    command: str,
    right: Mapping[str, str],
    wrong: str,
    what: str,
    told: str,
    files: Mapping[str, str],
    tmp_path: Path,
) -> None:
    named = {**right, f"TASKFORGE_{wrong}": what}
    env = environ(
        TASKFORGE_DATA_DIR=str(tmp_path / "data"),
        TASKFORGE_WORKER_TOKEN="w" * 32,
        TASKFORGE_OPERATOR_TOKEN="o" * 32,
        TASKFORGE_OLLAMA_URL="http://127.0.0.1:1",
        **{name: files[path] for name, path in named.items()},
    )
    assert run("migrate", env=env).returncode == 0
    done = run(*command.split(), env=env)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    # Where a pair does not fit, either may be the wrong one: the certificate is named.
    assert line.startswith(f"Error: TASKFORGE_{wrong.replace('_KEY', '_CERT')}: ")
    assert told in line


@pytest.mark.parametrize(
    ("alone", "needed"),
    [
        ("CORE_TLS_CERT", "CORE_TLS_KEY"),
        ("CORE_TLS_KEY", "CORE_TLS_CERT"),
        ("CORE_TLS_CLIENT_CA", "CORE_TLS_CERT"),
        ("CORE_TLS_CLIENT_CERT", "CORE_TLS_CA"),
        ("EDGE_TLS_CERT", "EDGE_TLS_KEY"),
    ],
)
def test_a_setting_that_needs_another_says_so(alone: str, needed: str) -> None:
    with pytest.raises(SettingsError, match=f"TASKFORGE_{alone}: needs TASKFORGE_{needed}"):
        load({f"TASKFORGE_{alone}": "/some/file.pem"}, read_text)
