"""A core that always gives the same answers: the service without anything behind it.

Like core it is a sync grpcio server with as many threads; it looks at no key
and does nothing before and after a call.

    python -m bench.edge_canned_core PORT THREADS
"""

import hashlib
import signal
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
from google.api.httpbody_pb2 import HttpBody
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from google.protobuf.timestamp_pb2 import Timestamp
from taskforge.tickets.v1 import jobs_pb2

from bench.edge_operations import result
from tickets import contract
from tickets.codec import encode, to_json

JOB_ID = "6ba7b810-9dad-41d1-80b4-00c04fd430c8"
READY = "canned core listens"
SERVICE = jobs_pb2.DESCRIPTOR.services_by_name["TicketsService"]


def _answers() -> dict[str, Message]:
    path, at = f"/tickets/v1/jobs/{JOB_ID}", Timestamp(seconds=1_790_000_000, nanos=123_456_000)
    return {
        "SubmitTicketsJob": jobs_pb2.TicketsJobAcceptedResponse(
            schema_version=contract.JOB_VERSION,
            job_id=JOB_ID,
            status=jobs_pb2.JOB_STATUS_QUEUED,
            status_url=path,
            result_url=f"{path}/result",
            created_at=at,
        ),
        "GetTicketsJob": jobs_pb2.TicketsJobResponse(
            schema_version=contract.JOB_VERSION,
            job_id=JOB_ID,
            status=jobs_pb2.JOB_STATUS_COMPLETED,
            stage=jobs_pb2.JOB_STAGE_COMPLETED,
            created_at=at,
            updated_at=at,
            expires_at=at,
        ),
    }


Behaviour = Callable[[Any, grpc.ServicerContext], Message]


def _behaviours() -> dict[str, Behaviour]:
    def always(answer: Message) -> Behaviour:
        return lambda _, __: answer

    found = {rpc: always(answer) for rpc, answer in _answers().items()}
    return {**found, "GetTicketsJobResult": _result()}


def _result() -> Behaviour:
    """Gives the result as a message or as JSON, whichever the caller asks for, as core does."""
    message = jobs_pb2.TicketsJobResultResponse(result=result(JOB_ID))
    document = to_json(encode(message))
    rendered = jobs_pb2.TicketsJobResultResponse(document=HttpBody(data=document))
    tag = hashlib.sha256(document).hexdigest()[:32]

    def behave(_: Any, context: grpc.ServicerContext) -> Message:
        if ("accept", "application/json") not in context.invocation_metadata():
            return message
        context.set_trailing_metadata((("etag", tag),))
        return rendered

    return behave


def _handler(rpc: str, behaviour: Behaviour) -> "grpc.RpcMethodHandler[Any, Any]":
    method = SERVICE.methods_by_name[rpc]
    return grpc.unary_unary_rpc_method_handler(
        behaviour,
        request_deserializer=GetMessageClass(method.input_type).FromString,
        response_serializer=GetMessageClass(method.output_type).SerializeToString,
    )


def main() -> None:
    port, threads = map(int, sys.argv[1:])
    stopping = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    server = grpc.server(ThreadPoolExecutor(threads), options=[("grpc.so_reuseport", 0)])
    handlers = {rpc: _handler(rpc, behaviour) for rpc, behaviour in _behaviours().items()}
    server.add_registered_method_handlers(SERVICE.full_name, handlers)
    server.add_insecure_port(f"127.0.0.1:{port}")
    server.start()
    print(READY, flush=True)
    stopping.wait()
    server.stop(grace=1).wait()


if __name__ == "__main__":
    main()
