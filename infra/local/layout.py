"""How many partitions the events of a data folder wait in: decided once, since an event stays where it was put."""

import os

from infra.local.errors import StackError
from infra.local.folder import DataFolder, read_json, write_json
from kit.settings import MOST_PARTITIONS, variable

#: One process folds everything here, and one message for all is cheaper than one for each.
_NEW = 1
# Of folders from before this was written down.
_OLD = 4
_VARIABLE = variable("partitions")


def partitions_of(folder: DataFolder) -> int:
    """Return what the folder was begun with; to be asked before its servers start.

    A new folder is begun with what the environment says, else with one.
    """
    asked = os.environ.get(_VARIABLE, "")
    known = read_json(folder.layout).get("partitions")
    if not isinstance(known, int):
        known = _OLD if folder.postgres.exists() else _checked(asked) if asked else _NEW
        write_json(folder.layout, {"partitions": known})
    if asked and asked != str(known):
        raise StackError(
            f"The data folder {folder.path} was begun with {known} partitions and {_VARIABLE} asks for {asked}. "
            "Leave it away, or choose another folder with --data-dir."
        )
    return known


def _checked(asked: str) -> int:
    number = int(asked) if asked.isascii() and asked.isdigit() else 0
    if not 1 <= number <= MOST_PARTITIONS:
        raise StackError(f"{_VARIABLE} takes a number from 1 to {MOST_PARTITIONS}.")
    return number
