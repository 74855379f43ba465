"""Which contacts were followed by another of the same customer, and which may still be.

QueueMetrics counts a caller's next call within 168 h, blank numbers skipped; so does this. First
contact resolution is one less the share repeated. The last window of a month is over only that
long after the month has ended: until then its contacts are provisional. SQL mirrors this file in
``dbt_like_sql/models/intermediate/int_customer_contacts.sql`` and ``marts/fct_calls.sql``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from typing import NamedTuple


class Contact(NamedTuple):
    """A contact of a known customer and its first event (epoch milliseconds)."""

    customer_ref: str
    first_ms: int
    contact_id: str


class Repeat(NamedTuple):
    """How a contact stands to the customer's others."""

    contact_id: str
    is_repeat: bool
    """Another came within the window before."""
    is_repeated: bool
    """Another came within the window after."""
    is_provisional: bool
    """None has come, and the window is not over."""


def repeats(
    contacts: Iterable[Contact], window_ms: Callable[[str], int], watermark_ms: int
) -> Iterator[Repeat]:
    """Yield every contact of one client; ``window_ms`` gives a contact's own window.

    Args:
        contacts: each contact once; those without a known customer left out.
        window_ms: contact id to window, milliseconds; a distance of just that is within.
        watermark_ms: event time reached.
    """
    for _, group in groupby(sorted(contacts), key=lambda contact: contact.customer_ref):
        known = list(group)
        for before, this, after in zip([None, *known], known, [*known[1:], None], strict=False):
            window = window_ms(this.contact_id)
            yield Repeat(
                this.contact_id,
                before is not None and this.first_ms - before.first_ms <= window,
                after is not None and after.first_ms - this.first_ms <= window,
                after is None and watermark_ms - this.first_ms < window,
            )
