"""A process that makes moves until it is killed: ``python -m tests.desk.dying URL HOW``.

``busy``: comments on and on, and prints the number of each that is done. ``midway``: acknowledges,
and stands still when everything is written and nothing is committed.
"""

from __future__ import annotations

import sys
import time
from itertools import count

from sqlalchemy import Connection, event

from pipeline.desk.perform import perform
from pipeline.desk.store import open_store
from tests.desk.conftest import password_of
from tests.desk.records import FIRST, a_command


def say(word: object) -> None:
    """Tell who watches us."""
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


def main(url: str, how: str) -> None:
    """Make moves."""
    store = open_store(url, password_of(url))
    if how == "midway":

        @event.listens_for(store, "commit")
        def stand_still(_con: Connection) -> None:
            say("midway")
            time.sleep(600)

        perform(store, a_command("alert", FIRST, "acknowledge"))
    for number in count():
        said = {"comment": f"number {number}"}
        perform(store, a_command("alert", FIRST, "comment", key=str(number), given=said))
        say(number)


if __name__ == "__main__":
    main(*sys.argv[1:])
