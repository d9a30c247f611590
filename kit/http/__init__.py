"""HTTP for the doors: bodies read within bounds, problems rendered, applications served on the running loop."""

from kit.http.bodies import BadEncodingError, read_body
from kit.http.bounded import bounded
from kit.http.guard import guarded
from kit.http.ops import ops_app
from kit.http.problems import problem, send_problem
from kit.http.serving import free_port, serve

__all__ = [
    "BadEncodingError",
    "bounded",
    "free_port",
    "guarded",
    "ops_app",
    "problem",
    "read_body",
    "send_problem",
    "serve",
]
