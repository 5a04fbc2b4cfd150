"""Envoy's gRPC-JSON transcoder, set up like this project's edge: its config and its command."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from taskforge.tickets.v1 import jobs_pb2

READY = "starting workers"

_PROTO = Path(__file__).parent.parent / "proto"
_TYPES = "type.googleapis.com/envoy.extensions"
_TRANSCODER = f"{_TYPES}.filters.http.grpc_json_transcoder.v3.GrpcJsonTranscoder"
_ROUTER = f"{_TYPES}.filters.http.router.v3.Router"
_MANAGER = f"{_TYPES}.filters.network.http_connection_manager.v3.HttpConnectionManager"
_HTTP_OPTIONS = f"{_TYPES}.upstreams.http.v3.HttpProtocolOptions"


def command(folder: Path, port: int, core_port: int) -> list[str]:
    """Writes what Envoy reads into the folder; one serving thread, as the other edges have."""
    program = Path(sys.executable).with_name("envoy")
    if not program.exists():
        raise SystemExit("Envoy is missing; bench/README.md says how to install it")
    descriptors = folder / "descriptors.binpb"
    _write_descriptors(descriptors)
    config = folder / "envoy.json"
    config.write_text(json.dumps(_config(descriptors, port, core_port)))
    options = ["--concurrency", "1", "--disable-hot-restart", "--log-level", "info"]
    return [str(program), "--config-path", str(config), *options]


def _write_descriptors(target: Path) -> None:
    protoc = [sys.executable, "-m", "grpc_tools.protoc", f"-I{_PROTO}", f"-I{_PROTO / 'vendor'}"]
    wanted = ["--include_imports", f"--descriptor_set_out={target}", jobs_pb2.DESCRIPTOR.name]
    subprocess.run([*protoc, *wanted], check=True)


def _config(descriptors: Path, port: int, core_port: int) -> dict[str, Any]:
    return {
        "static_resources": {
            "listeners": [
                {
                    "name": "http",
                    "address": _address(port),
                    "filter_chains": [{"filters": [_manager(descriptors)]}],
                }
            ],
            "clusters": [_cluster(core_port)],
        }
    }


def _manager(descriptors: Path) -> dict[str, Any]:
    to_core = {"match": {"prefix": "/"}, "route": {"cluster": "core", "timeout": "30s"}}
    config = {
        "@type": _MANAGER,
        "stat_prefix": "http",
        "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [to_core]}]},
        "http_filters": [
            {"name": "transcoder", "typed_config": _transcoder(descriptors)},
            {"name": "router", "typed_config": {"@type": _ROUTER}},
        ],
    }
    return {"name": "manager", "typed_config": config}


def _transcoder(descriptors: Path) -> dict[str, Any]:
    service = jobs_pb2.DESCRIPTOR.services_by_name["TicketsService"]
    return {
        "@type": _TRANSCODER,
        "proto_descriptor": str(descriptors),
        "services": [service.full_name],
        "print_options": {
            "preserve_proto_field_names": True,
            "always_print_primitive_fields": True,
        },
    }


def _cluster(core_port: int) -> dict[str, Any]:
    endpoint = {"endpoint": {"address": _address(core_port)}}
    http2 = {"@type": _HTTP_OPTIONS, "explicit_http_config": {"http2_protocol_options": {}}}
    return {
        "name": "core",
        "type": "STATIC",
        "connect_timeout": "5s",
        "load_assignment": {"cluster_name": "core", "endpoints": [{"lb_endpoints": [endpoint]}]},
        "typed_extension_protocol_options": {
            _HTTP_OPTIONS.removeprefix("type.googleapis.com/"): http2
        },
    }


def _address(port: int) -> dict[str, Any]:
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}
