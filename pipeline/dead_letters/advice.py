"""What the reason of a dead letter means, and what to do about it, in words."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple


class Advice(NamedTuple):
    """What happened, and what a person does then."""

    meaning: str
    what_to_do: str


_MEND: Final = "mend the source and let it send the event again, with its event id"
_UPGRADE: Final = "upgrade the worker, then redrive; if the source is wrong, mend it"

ADVICE: Final[Mapping[str, Advice]] = MappingProxyType(
    {
        "malformed_json": Advice("the value is no JSON in UTF-8", _MEND),
        "not_an_object": Advice("the value is JSON, but no object", _MEND),
        "missing_field": Advice("a field that must be there is not", _MEND),
        "wrong_type": Advice("a field has a value of another JSON type than it should", _MEND),
        "bad_value": Advice(
            "a field's value is none that is allowed, or one that the type needs is not there",
            f"{_MEND}; if a newer release allows the value, {_UPGRADE}",
        ),
        "unknown_field": Advice("there is a field that the schema does not have", _UPGRADE),
        "unknown_type": Advice("the worker does not know this type of event", _UPGRADE),
        "schema_version": Advice("the worker does not read this schema version", _UPGRADE),
        "too_large": Advice(
            "the value has more than 10 MB",
            "find out what the source put there; no event has more than some kilobytes",
        ),
        "bad_key": Advice(
            "the event is good, but its key is not its client or client/site, so the rest of its "
            "leg may lie in another partition",
            "set the source's key right, then redrive with --rekey client or --rekey site, as the "
            "source does it",
        ),
        "clock_ahead": Advice(
            "the event is stamped more than 5 s ahead of the broker's clock",
            "if the source's clock is wrong, set it, and let it send the event again; if the "
            "broker's was, redrive once the event's time has come",
        ),
        "behind_watermark": Advice(
            "the event is more than 2 h behind what was heard since",
            "nothing: the month counts it, and the live numbers of then are past",
        ),
        "leg_closed": Advice(
            "the leg had been let go when the event came",
            "nothing: the month counts it, and the live numbers of then are past",
        ),
    }
)
OF_A_READER: Final = Advice(
    "a file's or socket's record could not be read as its format says",
    "mend the file or the source and run vane ingest again: what was taken counts as duplicate; "
    "docs/ingest.md and docs/formats/ list the reasons of each format",
)


def advice_on(reason: str, stage: str) -> Advice:
    """Return what there is to say about a reason; ``stage`` is where the record was refused."""
    return OF_A_READER if stage == "ingest" else ADVICE.get(reason, OF_NOBODY)


OF_NOBODY: Final = Advice(
    "no reason that Vane gives", "look at the headers: another program put it there"
)
