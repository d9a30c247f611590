"""The processes of the platform in the order of their needs, and what each is told through its environment."""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field

from infra.local.folder import DataFolder
from kit.servers import ReservedPort


@dataclass(frozen=True)
class Program:
    """One process: how it is started, which ports it listens on, which database is its own, whom it calls."""

    name: str
    module: str
    arguments: tuple[str, ...] = ()
    grpc: bool = True
    http: bool = False
    database: str = ""
    vault: bool = False
    calls: tuple[str, ...] = ()


PROGRAMS = (
    Program("consent", "services.consent", database="consent"),
    Program(
        "profile",
        "services.profile",
        ("serve",),
        database="profile",
        vault=True,
        calls=("consent", "recommendation", "avatar"),
    ),
    Program(
        "profile_fold", "services.profile", ("fold",), grpc=False, database="profile", vault=True, calls=("consent",)
    ),
    Program("recommendation", "services.recommendation", database="recommendation", calls=("profile",)),
    Program("avatar", "services.avatar", database="avatar", calls=("profile", "recommendation")),
    Program("gateway", "gateway", grpc=False, http=True, calls=("profile", "recommendation", "avatar", "consent")),
    Program(
        "avatar_adapter",
        "avatar_adapter",
        grpc=False,
        http=True,
        calls=("profile", "recommendation", "avatar", "consent"),
    ),
)


@dataclass(frozen=True)
class Ports:
    """The ports of one process, kept for as long as the stack runs."""

    ops: ReservedPort = field(default_factory=ReservedPort)
    grpc: ReservedPort | None = None
    http: ReservedPort | None = None

    @classmethod
    def reserve(cls, program: Program) -> "Ports":
        """Takes the ports a program needs."""
        return cls(
            grpc=ReservedPort() if program.grpc else None,
            http=ReservedPort() if program.http else None,
        )


@dataclass(frozen=True)
class Surroundings:
    """What all processes of a stack share."""

    folder: DataFolder
    nats_url: str
    databases: Mapping[str, str]
    #: As their owners, for whoever looks into them.
    looking: Mapping[str, str]
    ports: Mapping[str, Ports]
    brand: str
    partitions: int
    #: Of the server of durability class 1; empty where no source asks for one.
    nats_class_1_url: str = ""


def command(program: Program) -> list[str]:
    """The command line; secrets go through the environment, which other users cannot read."""
    return [sys.executable, "-m", program.module, *program.arguments]


def environment(program: Program, around: Surroundings) -> dict[str, str]:
    """The launcher's own environment, then the settings of this process."""
    ports = around.ports[program.name]
    told = {
        "PROCESS": program.name,
        "BRAND": around.brand,
        "PARTITIONS": str(around.partitions),
        "OPS_ADDRESS": ports.ops.address,
        "NATS_URL": around.nats_url,
        "KEYRING_DIR": str(around.folder.keyring),
        "CREDENTIALS_FILE": str(around.folder.credentials),
        "LOG_FILE": str(around.folder.logs / f"{program.name}.jsonl"),
        "TRACE_FILE": str(around.folder.traces / f"{program.name}.jsonl"),
        "DIE_WITH_PARENT": "1",
    }
    if around.nats_class_1_url:
        told["NATS_CLASS_1_URL"] = around.nats_class_1_url
    if ports.grpc:
        told["GRPC_ADDRESS"] = ports.grpc.address
    if ports.http:
        told["HTTP_ADDRESS"] = ports.http.address
    if program.database:
        told["DATABASE_URL"] = around.databases[program.database]
    if program.vault:
        told["VAULT_URL"] = around.databases["vault"]
    for called in program.calls:
        grpc = around.ports[called].grpc
        if grpc:
            told[f"{called.upper()}_ADDRESS"] = grpc.address
    # The C core of gRPC reads these when it is imported. It writes free text to standard error; and its own threads
    # hand every message to the one that polls for Python anyway: a tenth of a call, and half of its thread switches.
    core = {"GRPC_VERBOSITY": "NONE", "GRPC_EXPERIMENTS": "-event_engine_client,-event_engine_listener"}
    # Nobody has fifty visitors to hide among while developing; whoever wants the boundary here says so.
    core["MASKENBALL_SHARED_BY_LEAST"] = "1"
    return {**core, **os.environ, **{f"MASKENBALL_{name}": value for name, value in told.items()}}
