"""The command line. Each command is a module of its own, loaded when it is called."""

from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup

# Name → module and the function or Typer application in it. A command must not wait for what only another one needs.
_COMMANDS = {
    "up": ("maskenball.up", "up"),
    "demo": ("maskenball.demo.command", "demo"),
    "replay": ("maskenball.replay", "replay"),
    "access": ("maskenball.access", "access"),
    "aggregates": ("maskenball.aggregates", "aggregates"),
    "policy": ("maskenball.policy", "policy"),
    "report": ("maskenball.report", "report"),
    "explain": ("maskenball.explain", "explain"),
    "consent": ("maskenball.consent", "consent"),
    "keys": ("maskenball.keys", "keys"),
    "verify-receipt": ("maskenball.receipts", "verify_receipt"),
    "evaluate": ("maskenball.evaluate.command", "evaluate"),
}


class _Commands(TyperGroup):
    # Typer keeps its own copy of click, whose types have no public name.
    def list_commands(self, _ctx: Any) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, _ctx: Any, name: str) -> Any:
        if name not in _COMMANDS:
            return None
        module, attribute = _COMMANDS[name]
        target = getattr(import_module(module), attribute)
        if not isinstance(target, typer.Typer):
            single = typer.Typer(add_completion=False, pretty_exceptions_show_locals=False)
            single.command(name)(target)
            target = single
        command = typer.main.get_command(target)
        command.name = name
        return command


app = typer.Typer(cls=_Commands, no_args_is_help=True, add_completion=False, pretty_exceptions_show_locals=False)


@app.callback()
def _about() -> None:
    """A customer data platform that knows personas, never persons."""


def main() -> None:
    """Entry point of the console script."""
    app()


if __name__ == "__main__":
    main()
