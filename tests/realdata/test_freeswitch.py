"""The callcenter::info events of FreeSWITCH's documentation."""

from __future__ import annotations

import pytest

from pipeline.codec.freeswitch import FreeswitchAdapter
from pipeline.domain.outcome import Handling, OutcomeKind
from pipeline.settings import PROJECT_ROOT
from tests.pbx_streams import Fate, an_origin, fate, read

SAMPLE = PROJECT_ROOT.parent / "shared/realdata/freeswitch/callcenter_info_sample.txt"


@pytest.mark.skipif(not SAMPLE.exists(), reason="no ../shared/realdata beside the repository")
def test_the_documented_call_waits_1009_seconds_and_talks_491() -> None:
    adapter = FreeswitchAdapter(an_origin())
    records = SAMPLE.read_bytes().split(b"\n\n")
    found = read(adapter, records)
    assert found.kinds() == ["queued", "offered", "answered", "ended"]
    assert fate(found.calls) == Fate(
        "support@default", OutcomeKind.ANSWERED, 1_009_000, Handling(10_500_000, 491_000, 0, 0)
    )
    # The offer of the documentation has no time of any kind; the call's own times tell of it.
    assert [rejected.reason for rejected in found.rejected] == ["no_time"]
    assert [e.occurred_at_ms for e in found.calls if e.type == "offered"] == [10_000_000]
    assert adapter.taken + sum(adapter.skipped.values()) + len(found.rejected) == len(records)
    assert b"4385551212" not in b"".join(rejected.raw for rejected in found.rejected)
