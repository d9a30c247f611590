"""Typed errors as standard google.rpc.Status, readable by any gRPC client, and back."""

from typing import Any

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2, status_pb2  # type: ignore[import-untyped]

from kit.errors import (
    DeadlineError,
    DeniedError,
    ExhaustedError,
    InternalError,
    InvalidArgumentError,
    NotFoundError,
    RemoteError,
    Status,
    TypedError,
    UnauthenticatedError,
    UnavailableError,
)

DOMAIN = "maskenball"
DETAILS_KEY = "grpc-status-details-bin"

_CODES = {
    Status.INVALID: grpc.StatusCode.INVALID_ARGUMENT,
    Status.UNAUTHENTICATED: grpc.StatusCode.UNAUTHENTICATED,
    Status.DENIED: grpc.StatusCode.PERMISSION_DENIED,
    Status.NOT_FOUND: grpc.StatusCode.NOT_FOUND,
    Status.GONE: grpc.StatusCode.NOT_FOUND,
    Status.CONFLICT: grpc.StatusCode.ABORTED,
    Status.TOO_LARGE: grpc.StatusCode.INVALID_ARGUMENT,
    Status.EXHAUSTED: grpc.StatusCode.RESOURCE_EXHAUSTED,
    Status.UNAVAILABLE: grpc.StatusCode.UNAVAILABLE,
    Status.DEADLINE: grpc.StatusCode.DEADLINE_EXCEEDED,
    Status.INTERNAL: grpc.StatusCode.INTERNAL,
}
_UNTYPED: dict[grpc.StatusCode, type[TypedError]] = {
    grpc.StatusCode.INVALID_ARGUMENT: InvalidArgumentError,
    grpc.StatusCode.UNAUTHENTICATED: UnauthenticatedError,
    grpc.StatusCode.PERMISSION_DENIED: DeniedError,
    grpc.StatusCode.NOT_FOUND: NotFoundError,
    grpc.StatusCode.RESOURCE_EXHAUSTED: ExhaustedError,
    grpc.StatusCode.UNAVAILABLE: UnavailableError,
    grpc.StatusCode.DEADLINE_EXCEEDED: DeadlineError,
}


def code_of(error: TypedError) -> grpc.StatusCode:
    """Return the gRPC code a typed error travels under."""
    return _CODES[error.status]


def to_details(error: TypedError) -> bytes:
    """Return the google.rpc.Status of a typed error, for the trailer `grpc-status-details-bin`."""
    info = error_details_pb2.ErrorInfo(
        reason=error.reason,
        domain=DOMAIN,
        # Several of our kinds share a gRPC code; this tells them apart.
        metadata={"status": error.status.value},
    )
    details = [_packed(info)]
    if error.field or error.limit:
        violation = error_details_pb2.BadRequest.FieldViolation(field=error.field, description=error.limit)
        details.append(_packed(error_details_pb2.BadRequest(field_violations=[violation])))
    if error.retry_after_s:
        retry = error_details_pb2.RetryInfo()
        retry.retry_delay.FromSeconds(error.retry_after_s)
        details.append(_packed(retry))
    number: int = code_of(error).value[0]
    status = status_pb2.Status(code=number, message=error.message, details=details)
    return bytes(status.SerializeToString())


def is_typed(error: grpc.aio.AioRpcError) -> bool:
    """Tell whether one of our servers answered, as against the transport."""
    return _details_of(error) is not None


def from_rpc_error(error: grpc.aio.AioRpcError) -> TypedError:
    """Return RemoteError when the server answered a typed error, else the general error of the gRPC code."""
    details = _details_of(error)
    remote = from_details(details) if details is not None else None
    if remote is not None:
        return remote
    return _UNTYPED.get(error.code(), InternalError)()


def _details_of(error: grpc.aio.AioRpcError) -> bytes | None:
    for key, value in error.trailing_metadata() or ():
        if key == DETAILS_KEY and isinstance(value, bytes):
            return value
    return None


def from_details(details: bytes) -> RemoteError | None:
    """Return the typed error of a google.rpc.Status; None when it is none of ours."""
    info = error_details_pb2.ErrorInfo()
    bad = error_details_pb2.BadRequest()
    retry = error_details_pb2.RetryInfo()
    try:
        status = status_pb2.Status.FromString(details)
        for packed in status.details:
            for message in (info, bad, retry):
                packed.Unpack(message)
        kind = Status(info.metadata["status"])
    except (DecodeError, ValueError):
        return None
    if info.domain != DOMAIN:
        return None
    violation = bad.field_violations[0] if bad.field_violations else error_details_pb2.BadRequest.FieldViolation()
    return RemoteError(
        status.message,
        reason=info.reason,
        status=kind,
        field=violation.field,
        limit=violation.description,
        retry_after_s=retry.retry_delay.ToSeconds(),
    )


def _packed(message: Any) -> AnyMessage:
    packed = AnyMessage()
    packed.Pack(message)
    return packed
