"""Facts on the wire: bytes to a fact or a ``Rejected``, and back. Never raises on bad bytes.

The wire records are built from ``fact_fields.py``, so they have the rules that the diagnosis and
the reader of files have. ``encode`` is canonical like that of events: one fact, one encoding.
"""

from __future__ import annotations

from dataclasses import MISSING, fields
from enum import StrEnum
from typing import Annotated, Any, Final, Literal, get_args, get_type_hints

import msgspec

from pipeline.codec import diagnosis
from pipeline.codec.diagnosis import MAX_BYTES
from pipeline.codec.fact_fields import CLASSES, KINDS, RULES
from pipeline.codec.record import Version
from pipeline.codec.rules import Flag, OneOf, Rule, Text, Texts, Whole
from pipeline.domain.events import Rejected
from pipeline.domain.fact import Fact, FactKind

_encode: Final = msgspec.json.Encoder().encode
# UnicodeDecodeError is a ValueError, as all of msgspec's are; RecursionError: nested too deep.
_UNREADABLE: Final = (ValueError, RecursionError)


def decode_fact(kind: FactKind, raw: bytes) -> Fact | Rejected:
    """Decode a record of a fact's topic; every bad record becomes a ``Rejected``."""
    if len(raw) > MAX_BYTES:
        return diagnosis.too_large(raw)
    try:
        record = _DECODERS[kind].decode(raw)
    except _UNREADABLE as error:
        return diagnosis.of_record(raw, error, RULES[kind])
    return CLASSES[kind](**msgspec.structs.asdict(record))


def encode_fact(fact: Fact) -> bytes:
    """Encode a fact.

    Raises:
        msgspec.ValidationError: a field breaks the contract; a bug of whoever built the fact.
    """
    record = _RECORDS[KINDS[type(fact)]]
    return _encode(msgspec.convert(fact, record, from_attributes=True))


def _annotation(rule: Rule, hint: object) -> object:
    """Return the type that msgspec checks for a rule; ``hint`` is the domain's."""
    kind: Any
    match rule:
        case Text(least=least):
            kind = Annotated[str, msgspec.Meta(min_length=least)]
        case Whole(least=least, most=most):
            kind = Annotated[int, msgspec.Meta(ge=least, le=most)]
        case OneOf(words=words):
            named = [t for t in (hint, *get_args(hint)) if _is_words(t)]
            kind = named[0] if named else Literal[words]
        case Texts():
            kind = tuple[Annotated[str, msgspec.Meta(min_length=1)], ...]
        case Flag():
            kind = bool
    return kind


def _is_words(hint: object) -> bool:
    return isinstance(hint, type) and issubclass(hint, StrEnum)


def _record(kind: FactKind) -> type[msgspec.Struct]:
    cls = CLASSES[kind]
    hints = get_type_hints(cls)
    members: list[Any] = [("v", Version)]
    for field in fields(cls)[1:]:
        annotation: Any = _annotation(RULES[kind][field.name], hints[field.name])
        if field.default is MISSING:
            members.append((field.name, annotation))
        else:
            annotation = annotation | None if field.default is None else annotation
            members.append((field.name, annotation, field.default))
    return msgspec.defstruct(
        f"{cls.__name__}Record",
        members,
        frozen=True,
        kw_only=True,
        forbid_unknown_fields=True,
        omit_defaults=True,
        gc=False,
    )


_RECORDS: Final = {kind: _record(kind) for kind in FactKind}
_DECODERS: Final = {kind: msgspec.json.Decoder(record) for kind, record in _RECORDS.items()}
