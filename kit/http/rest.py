"""Problems of a FastAPI application. Apart from the rest: only who serves REST pays for loading FastAPI."""

from collections.abc import Sequence
from typing import Any, cast

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.routing import Match

from kit.errors import InternalError, InvalidArgumentError, TypedError
from kit.http.problems import Rendered, problem, rendered

_NO_SUCH_METHOD = 405
_METHODS = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")


def register_problems(app: FastAPI) -> None:
    """Make a FastAPI application answer every error as a problem; its own pages repeat what the caller sent."""
    app.add_exception_handler(TypedError, _typed)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _routing)
    app.add_exception_handler(Exception, _defect)


def _typed(_request: Request, error: Exception) -> Response:
    return _response(problem(cast(TypedError, error)))


def _invalid(_request: Request, error: Exception) -> Response:
    found = cast(RequestValidationError, error).errors()
    return _response(problem(InvalidArgumentError("the request does not fit the contract", field=_place(found))))


def _place(found: Sequence[Any]) -> str:
    if not found:
        return ""
    # The name of a field that does not exist is the caller's own text.
    known = found[0]["loc"][:-1] if found[0]["type"] == "extra_forbidden" else found[0]["loc"]
    return ".".join(str(part) for part in known)


def _routing(request: Request, error: Exception) -> Response:
    refused = cast(HTTPException, error)
    code = {404: "NOT_FOUND", _NO_SUCH_METHOD: "METHOD_NOT_ALLOWED"}.get(refused.status_code, "INVALID_ARGUMENT")
    status, headers, body = rendered(refused.status_code, {"code": code, "message": code.lower().replace("_", " ")}, 0)
    told = [(b"allow", _methods(request).encode())] if status == _NO_SUCH_METHOD else []
    return _response((status, [*headers, *told], body))


def _methods(request: Request) -> str:
    # All there are: the framework names those of the first route alone.
    routes = request.app.routes
    asked = ((method, {**request.scope, "method": method}) for method in _METHODS)
    return ", ".join(method for method, scope in asked if any(each.matches(scope)[0] is Match.FULL for each in routes))


def _defect(_request: Request, _error: Exception) -> Response:
    return _response(problem(InternalError()))


def _response(whole: Rendered) -> Response:
    status, headers, body = whole
    return Response(body, status, {name.decode(): value.decode() for name, value in headers})
