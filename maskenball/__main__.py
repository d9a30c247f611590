"""The command line. Each command is a module of its own."""

import typer

from maskenball.demo.command import demo
from maskenball.evaluate.command import evaluate
from maskenball.up import up

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_show_locals=False)


@app.callback()
def _about() -> None:
    """A customer data platform that knows personas, never persons."""


app.command()(up)
app.command()(demo)
app.add_typer(evaluate, name="evaluate")


def main() -> None:
    """Entry point of the console script."""
    app()


if __name__ == "__main__":
    main()
