"""Have the local model choose what is told of an object, and leave a broken model server alone."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from hived.clients.ollama.client import OllamaClient
from hived.clients.ollama.parse import THINKS, BadAnswer, ModelMissing
from hived.errors import Refused, Throttled, Transient
from hived.records.artifact import PROMPT_VERSION, CollectedObject, Description
from hived.runtime.backoff import pause
from hived.services.collecting.describe import plan

log = logging.getLogger(__name__)

FAILURES_TO_REST = 3
REST_S = 60.0
REST_MAX_S = 1800.0
USELESS_ANSWERS = 3  # in a row: it is the model, not the objects
REFUSED_REST_S = 30.0  # the operator has something to do, and wants to see it work soon after
_WORDS = {THINKS: "only thinks and gives no answer", plan.NO_CHOICE: "gives no choice"}


class Breaker:
    """Counts failures in a row and says how long to leave the model server alone: 1, 2, 4 ... 30 minutes.

    `clock` counts seconds and is never set: a wall clock that was ahead would keep the server unasked for years.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._failures = 0
        self._until = 0.0
        self.failure: Refused | Transient | None = None
        """The last failure, None after an answer."""

    def rest_s(self) -> float:
        """Return the seconds until the server may be asked again; 0: now."""
        return max(0.0, self._until - self._clock())

    def worked(self) -> int:
        """Note an answer, whatever it was worth. Returns the failures before it."""
        before, self._failures, self._until, self.failure = self._failures, 0, 0.0, None
        return before

    def failed(self, err: Refused | Transient) -> None:
        """Note that there was no answer."""
        self.failure = err
        if isinstance(err, Refused):
            self._until = self._clock() + REFUSED_REST_S
            return
        self._failures += 1
        if self._failures >= FAILURES_TO_REST:
            self._until = self._clock() + pause(self._failures - FAILURES_TO_REST, REST_S, REST_MAX_S)


class Describer:
    """Describes one object at a time. What one object's text does to the model ends with its answer."""

    def __init__(self, client: OllamaClient, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._client = client
        self._breaker = Breaker(clock)
        self._useless: list[BadAnswer] = []
        self.described = self.refused = 0

    async def who(self) -> str:
        """Return what would describe: an object of no use to it waits for another one. Raises like `describe`."""
        self._raise_if_resting()
        try:
            return f"{self._client.model} {await self._client.digest()} {PROMPT_VERSION}"
        except (Refused, Transient) as err:
            self._failed(err)
            raise

    async def describe(self, obj: CollectedObject) -> Description:
        """Return the facts of `obj` that the model chose, in sentences.

        BadAnswer: it chose nothing, or there is nothing to choose. Throttled: the server is being left alone for
        `retry_after_s`, nothing was asked. ModelMissing, Refused: the operator has to act, see `state`. Transient:
        no answer.
        """
        facts, title = plan.facts_of(obj), plan.title_of(obj)
        if not facts:
            raise BadAnswer("its record has no facts to tell", plan.NO_FACTS)
        self._raise_if_resting()
        try:
            answer = await self._client.describe(plan.SYSTEM, plan.question(title, facts), plan.schema_for(facts))
            names = plan.chosen(answer.text, facts)
        except BadAnswer as err:
            self._worked()
            self._note_useless(err, obj)
            raise
        except (Refused, Transient) as err:
            self._failed(err)
            raise
        self._worked()
        self.described += 1
        self._useless.clear()
        return Description(
            title=title,
            summary=plan.summary(facts, names),
            period=next(iter(facts.get("date", ())), None),
            tags=tuple(plan.tags_of(obj)),
            model=answer.model,
            model_digest=answer.model_digest,
            prompt_version=PROMPT_VERSION,
            seconds=answer.seconds,
            tokens=answer.tokens,
        )

    def rest_s(self) -> float:
        """Return the seconds until it makes sense to describe something; 0: now."""
        return self._breaker.rest_s()

    def state(self) -> str | None:
        """Return what keeps the model from working, in a sentence for the operator; None when nothing does."""
        failure, rest_s = self._breaker.failure, self._breaker.rest_s()
        if failure is None:
            return self._useless_state()
        if isinstance(failure, Refused) or not rest_s:
            return str(failure)
        return f"{failure}; asking again in {_minutes(rest_s)}"

    def _useless_state(self) -> str | None:
        if len(self._useless) < USELESS_ANSWERS:
            return None
        what = _WORDS.get(self._useless[-1].reason, "gives no answer of use")
        return f"the model {self._client.model} {what}: choose another one"

    def _raise_if_resting(self) -> None:
        rest_s, failure = self._breaker.rest_s(), self._breaker.failure
        if not rest_s:
            return
        if isinstance(failure, ModelMissing):
            raise ModelMissing(failure.model)
        if isinstance(failure, Refused):
            raise Refused(str(failure))
        raise Throttled(f"the model server is left alone for {_minutes(rest_s)}: {failure}", rest_s)

    def _note_useless(self, err: BadAnswer, obj: CollectedObject) -> None:
        self.refused += 1
        self._useless = [*self._useless, err][-USELESS_ANSWERS:]
        log.debug("%s: not described: %s", obj.url, err)

    def _worked(self) -> None:
        stuck = self._breaker.failure is not None
        failures = self._breaker.worked()
        if stuck:
            log.info("the model works again after %d failures", failures)

    def _failed(self, err: Refused | Transient) -> None:
        repeated = str(self._breaker.failure) == str(err)
        self._breaker.failed(err)
        log.log(logging.DEBUG if repeated else logging.WARNING, "not described: %s", err)


def _minutes(seconds: float) -> str:
    return f"{seconds / 60:.0f} min" if seconds >= 90 else f"{seconds:.0f} s"
