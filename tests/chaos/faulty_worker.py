"""``vane worker`` with a fault that a schedule asks for. Run as a module.

``FAULT`` is one of those below. ``publishing fails`` strikes once, when the file named by
``FAULT_FILE`` is there, and takes it away; the others make an engine that is wrong all along.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from aiokafka.errors import KafkaError

from pipeline.cli import main
from pipeline.streams import engine
from pipeline.streams.engine import Engine
from pipeline.streams.publisher import Publisher
from pipeline.streams.recovery import fold_of

publish, positions, on_chunk = Publisher.publish, Engine.positions, Engine.on_chunk


def _is_asked_for(file: Path) -> bool:
    asked = file.exists()
    file.unlink(missing_ok=True)
    return asked


async def _fails_once(self: Publisher, topic: str, partition: int, records: Any) -> None:
    if _is_asked_for(Path(os.environ["FAULT_FILE"])):
        msg = f"publishing fails today: {topic}"
        raise KafkaError(msg)
    await publish(self, topic, partition, records)


def _without_its_offset(
    envelope: Mapping[str, Any] | None, tp: Any, begin: int, end: int, basis: Any
) -> Any:
    fold = fold_of(envelope, tp, begin, end, basis)  # type: ignore[arg-type]
    fold.next_offset = end if envelope else fold.next_offset
    return fold


async def _gap_skipped(self: Engine, partition: int, records: Any) -> None:
    part = self.parts.get(partition)
    if part is not None and records[0].offset > part.fold.next_offset:
        part.fold.next_offset = records[0].offset
    await on_chunk(self, partition, records)


async def _seeks_too_far(self: Engine, *arguments: Any) -> Any:
    offsets = await positions(self, *arguments)
    return {tp: offset + (50 if offset else 0) for tp, offset in offsets.items()}


FAULTS: dict[str, tuple[tuple[Any, str, Any], ...]] = {
    "publishing fails": ((Publisher, "publish", _fails_once),),
    "snapshot without its offset": ((engine, "fold_of", _without_its_offset),),
    "gap skipped": ((Engine, "positions", _seeks_too_far), (Engine, "on_chunk", _gap_skipped)),
}

if __name__ == "__main__":
    # The engine is imported above, so the compiled domain would come too late.
    os.environ["VANE_KERNEL"] = "python"
    for where, name, wrong in FAULTS[os.environ["FAULT"]]:
        setattr(where, name, wrong)
    main(sys.argv[1:])
