"""`taskforge.tickets.v1.AccessService`: whether a call would be let in."""

import grpc
from taskforge.options.v1 import options_pb2
from taskforge.tickets.v1 import access_pb2, access_pb2_grpc

from core.access import Gate
from tickets.errors import FieldProblem, TaskForgeError


class Access(access_pb2_grpc.AccessServiceServicer):
    def __init__(self, gate: Gate) -> None:
        self._gate = gate

    def CheckAccess(
        self, request: access_pb2.CheckAccessRequest, context: grpc.ServicerContext
    ) -> access_pb2.CheckAccessResponse:
        policy = self._gate.policy(request.method)
        if policy is None or policy.audience != options_pb2.AUDIENCE_CLIENTS:
            raise TaskForgeError.invalid(FieldProblem("method", "is not a method for clients"))
        self._gate.admit(policy, context.invocation_metadata())
        return access_pb2.CheckAccessResponse()
