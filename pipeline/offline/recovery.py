"""How a queue stands at an instant, as a program answers: ``python -m pipeline.offline.recovery``.

Reads one JSON question on standard input (client, site, queue, at_ms) and writes one JSON answer.
The worker asks it in a process of its own, so that reading files and planning never hold up what
it folds. The inputs are those of ``vane recover`` with nothing stated; people can be called in as
``pool.yaml`` in the configuration's folder says, or else anybody, ten minutes after being asked.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import Final

import msgspec

from pipeline.alerting.recovery import Answer, NoPlan, RecoveryStep
from pipeline.config_files import load_targets
from pipeline.config_pool import load_pool
from pipeline.errors import PipelineError
from pipeline.lake.queue_day import QueueData, QueueKey
from pipeline.offline.crew import sources_of
from pipeline.offline.expectation import (
    NoForecastError,
    NoHandleTimeError,
    NoStaffingError,
    Stated,
)
from pipeline.offline.situation import DayIsOverError, Situation, read_situation
from pipeline.settings import Settings, load_settings
from pipeline.staffing.curve import Rules
from pipeline.staffing.erlang import Traffic
from pipeline.staffing.no_return import Language, point_of_no_return
from pipeline.staffing.plan import Plan, make_plan
from pipeline.staffing.service import agents_needed

POOL: Final = "pool.yaml"
RAMP_S: Final = 600.0


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """Which queue, at which instant (epoch milliseconds)."""

    client: str
    site: str
    queue: str
    at_ms: int


def needed_now(found: Situation) -> tuple[float, Traffic]:
    """Return the agents that meet the goal at the volume of the next slot, and its traffic."""
    slot = found.rest.slots[0]
    traffic = Traffic(
        rate_per_s=slot.calls / slot.length_s,
        handle_s=slot.handle_s,
        patience_s=found.rest.patience_s,
    )
    return agents_needed(found.rest.goal, traffic), traffic


def answer(question: Question, settings: Settings) -> Answer:
    """Return how the queue stands; what is missing is a reason in the answer, no error."""
    try:
        return _answer(question, settings)
    except NoForecastError as error:
        return Answer(reason=NoPlan.NO_FORECAST, message=str(error))
    except DayIsOverError as error:
        return Answer(reason=NoPlan.DAY_IS_OVER, message=str(error))
    except PipelineError as error:
        return Answer(reason=NoPlan.BAD_INPUT, message=str(error))


def _answer(question: Question, settings: Settings) -> Answer:
    targets = load_targets(settings.config_dir / "queues.yaml")
    data = QueueData(settings.landing, settings.published)
    key = QueueKey(question.client, question.site, question.queue)
    stated = Stated()
    missing: tuple[NoPlan, str] | None = None
    while True:
        try:
            found = read_situation(key, question.at_ms, targets=targets, data=data, stated=stated)
            break
        except NoHandleTimeError as error:  # the outlook needs none, only the plan does
            stated, missing = replace(stated, handle_s=1.0), (NoPlan.NO_HANDLE_TIME, str(error))
        except NoStaffingError as error:
            stated = replace(stated, agents=0.0)
            missing = missing or (NoPlan.NO_SCHEDULE, str(error))
    if missing is not None:
        reason, message = missing
        plain = replace(outlook_of(found), reason=reason, message=message)
        if reason is NoPlan.NO_SCHEDULE:
            plain = replace(plain, agents_needed_milli=_thousandths(needed_now(found)[0]))
        return plain
    path = settings.config_dir / POOL
    sources, _ = sources_of(
        found,
        load_pool(path) if path.is_file() else None,
        people=None,
        ramp_s=RAMP_S,
        targets=targets,
        data=data,
    )
    plan = make_plan(found.rest, sources, question.at_ms, Rules())
    return with_plan(outlook_of(found), found, plan)


def outlook_of(found: Situation) -> Answer:
    """Return what is said of the day without a plan."""
    day = found.day
    return Answer(
        standing=day.standing,
        projected_permille=_permille(day.projected),
        likely_permille=_permille(day.likely),
        lost_at_ms=day.lost_at_ms,
        needed_permille=_permille(day.needed),
        text=point_of_no_return(day, found.zone, found.at_ms),
        text_zh=point_of_no_return(day, found.zone, found.at_ms, language=Language.CHINESE),
    )


def with_plan(plain: Answer, found: Situation, plan: Plan) -> Answer:
    """Return the answer with agents and the plan's steps."""
    return replace(
        plain,
        agents_milli=_thousandths(found.agents_now),
        agents_needed_milli=_thousandths(needed_now(found)[0]),
        plan_is_enough=plan.is_enough,
        plan_projected_permille=_permille(plan.after.projected),
        plan_likely_permille=_permille(plan.after.likely),
        steps=tuple(
            RecoveryStep(
                at_ms=step.at_ms,
                source=step.source,
                change=step.change,
                people=step.people,
                agents_milli=_thousandths(step.agents),
                level_permille=_permille(step.level),
                likely_permille=round(1000 * step.likely),
            )
            for step in plan.steps
        ),
    )


def _permille(share: float | None) -> int | None:
    return None if share is None else round(1000 * share)


def _thousandths(value: float) -> int:
    return round(1000 * value)


def main() -> None:
    """Answer one question."""
    question = msgspec.json.decode(sys.stdin.buffer.read(), type=Question)
    sys.stdout.buffer.write(msgspec.json.encode(answer(question, load_settings())))


if __name__ == "__main__":
    main()
