"""One client's contract: programmes and clauses, each with dated terms, frozen.

What clauses speak of is decided here: which queues, which charges a percentage is of, which term is
in force on a day.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final, TypeVar

from pipeline.settlement.kinds import BY_DAY, KINDS, MALUSES, Kind, Step
from pipeline.settlement.terms import Bands, Pricing, Value

ALL: Final = ("*",)
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Programme:
    """Queues and sites that are settled together; ``*`` is all."""

    id: str
    title: str
    queues: tuple[str, ...]
    sites: tuple[str, ...] = ALL


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """What holds on the days ``[from_on, to_on)`` of the contract's zone."""

    from_on: date
    to_on: date
    value: Value


@dataclass(frozen=True, slots=True, kw_only=True)
class Clause:
    """One clause. What a kind does not use is empty.

    ``programme`` "" is the whole contract. ``queues``, ``sites`` and ``of`` are as written, empty
    where the programme's hold; ask ``queues_of``, ``sites_of``, ``base_of``. ``measure`` is what is
    counted (``counts``, ``measure``, ``figure`` or ``measured`` in the file).
    """

    id: str
    title: str
    kind: Kind
    programme: str = ""
    queues: tuple[str, ...] = ()
    sites: tuple[str, ...] = ()
    of: tuple[str, ...] = ()
    measure: str = ""
    states: tuple[str, ...] = ()
    attribution: str = ""
    increment_s: int = 3
    minimum_s: int = 0
    short_call_s: int = 0
    hours_per_fte: int = 1
    complexity: tuple[tuple[str, Decimal], ...] = ()
    leaves_out: str = ""
    days: tuple[str, ...] = ()
    dates: tuple[tuple[date, date], ...] = ()
    terms: tuple[Term, ...]

    @property
    def step(self) -> Step:
        """Return at which step of the settlement the clause comes."""
        return KINDS[self.kind].step

    def factor(self, queue: str) -> Decimal:
        """Return what a call of a queue counts for."""
        factors = dict(self.complexity)
        return factors.get(queue, factors.get("*", Decimal(1)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """One client's settlement terms; ``calendar`` "" is none."""

    client: str
    title: str
    zone: str
    currency: str
    calendar: str
    programmes: tuple[Programme, ...]
    clauses: tuple[Clause, ...]

    def clause(self, clause_id: str) -> Clause:
        """Return a clause; raise KeyError if there is none of the id."""
        return {clause.id: clause for clause in self.clauses}[clause_id]

    def unit(self, clause: Clause) -> str:
        """Return the unit of a clause's quantities."""
        return KINDS[clause.kind].unit or self.currency

    def queues_of(self, clause: Clause) -> tuple[str, ...]:
        """Return the queues a clause counts, or ``*``."""
        return clause.queues or self._programme(clause).queues

    def sites_of(self, clause: Clause) -> tuple[str, ...]:
        """Return the sites a clause counts, or ``*``."""
        return clause.sites or self._programme(clause).sites

    def _programme(self, clause: Clause) -> Programme:
        whole = Programme(id="", title="", queues=ALL)
        return {p.id: p for p in self.programmes}.get(clause.programme, whole)

    def charges(self, programme: str) -> tuple[Clause, ...]:
        """Return the charges of a programme; of "" all."""
        return tuple(c for c in self._in(programme) if c.step == Step.RATING)

    def base_of(self, clause: Clause) -> tuple[str, ...]:
        """Return the ids of the clauses whose amounts a clause is made of, in the file's order.

        Surcharges count with the charge they are on. Of charges and taxes: none.
        """
        steps: range
        match clause.step:
            case Step.MULTIPLIER:
                charges = self.charges(clause.programme)
                return clause.of or tuple(c.id for c in charges if can_have(clause, c))
            case Step.DEDUCTION | Step.SERVICE_LEVEL:
                charges = self.charges(clause.programme)
                of = clause.of if clause.kind != Kind.MALUS_CAP else ()
                return of or tuple(c.id for c in charges)
            case Step.COMMITMENT if clause.kind == Kind.MINIMUM_VOLUME:
                return clause.of
            case Step.COMMITMENT | Step.DISCOUNT:
                steps = range(Step.RATING, clause.step)
            case _:
                return ()
        return tuple(
            c.id for c in self._in(clause.programme) if c.step in steps and c.kind != Kind.SURCHARGE
        )

    def capped_by(self, clause: Clause) -> tuple[str, ...]:
        """Return the ids of the clauses whose maluses a cap caps, in the file's order."""
        listed = tuple(c.id for c in self._in(clause.programme) if c.kind in MALUSES)
        return tuple(c.id for c in self.clauses if c.id in (clause.of or listed))

    def exclusion_of(self, clause: Clause) -> Clause | None:
        """Return what leaves time out of a level: a clause of its programme, or of the whole."""
        found = {c.programme: c for c in self.clauses if c.kind == Kind.EXCLUSION}
        return found.get(clause.programme, found.get(""))

    def _in(self, programme: str) -> tuple[Clause, ...]:
        return tuple(c for c in self.clauses if programme in {"", c.programme})


def can_have(surcharge: Clause, charge: Clause) -> bool:
    """Say whether a charge can have a surcharge: its units are of a day, and have one price.

    What is paid on top needs no price.
    """
    has_factor = any(getattr(t.value, "factor", None) is not None for t in surcharge.terms)
    prices = [t.value for t in charge.terms if isinstance(t.value, Pricing)]
    return charge.kind in BY_DAY and (not has_factor or all(p.tiering == "single" for p in prices))


def in_force(terms: Iterable[Term], day: date) -> Term | None:
    """Return the term in force on a day, or None."""
    return next((term for term in terms if term.from_on <= day < term.to_on), None)


def value_of(clause: Clause, kind: type[T], day: date) -> T | None:
    """Return what a clause says on a day, if that is of a kind of terms."""
    term = in_force(clause.terms, day)
    return term.value if term is not None and isinstance(term.value, kind) else None


def earn_back_months(contract: Contract) -> int:
    """Return how many months before a month's settlement has to know."""
    return max(
        (
            term.value.earn_back_months
            for clause in contract.clauses
            for term in clause.terms
            if isinstance(term.value, Bands)
        ),
        default=0,
    )
