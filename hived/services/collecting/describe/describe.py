"""Have the local model describe an object, keep of its answer what holds, and leave a broken model server alone."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from hived.clients.ollama.client import OllamaClient
from hived.clients.ollama.parse import BadAnswer, ModelMissing
from hived.errors import Refused, Throttled, Transient
from hived.records.artifact import CollectedObject, Description
from hived.runtime.backoff import pause

log = logging.getLogger(__name__)

FAILURES_TO_REST = 3
REST_S = 60.0
REST_MAX_S = 1800.0
USELESS_ANSWERS = 20  # in a row: it is the model, not the objects
REFUSED_REST_S = 30.0  # the operator has something to do, and wants to see it work soon after


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
        self._useless = 0
        self.described = self.refused = 0

    async def describe(self, obj: CollectedObject) -> Description:
        """Return what the model says of `obj`, as far as the record bears it out.

        BadAnswer: nothing of use was said, the same object may be tried another day. Throttled: the server is being
        left alone for `retry_after_s`, nothing was asked. ModelMissing, Refused: the operator has to act, see `state`.
        Transient: no answer.
        """
        # With pydantic below them they take 9 MiB, and most boxes have no model to ask.
        from hived.services.collecting.describe import prompt, verify

        self._raise_if_resting()
        question = prompt.build(obj)
        if question.withheld:
            log.info("%s: kept from the model what speaks to it in: %s", obj.url, ", ".join(question.withheld))
        try:
            answer = await self._client.describe(question.system, question.user, prompt.SCHEMA)
        except BadAnswer as err:
            self._worked()
            self._note_useless(err, obj)
            raise
        except (Refused, Transient) as err:
            self._failed(err)
            raise
        self._worked()
        try:
            kept = verify.check(answer.text, question)
        except BadAnswer as err:
            self._note_useless(err, obj)
            raise
        self.described += 1
        self._useless = 0
        return Description(
            title=kept.title,
            summary=kept.summary,
            period=kept.period,
            tags=kept.tags,
            model=answer.model,
            model_digest=answer.model_digest,
            prompt_version=prompt.PROMPT_VERSION,
            seconds=answer.seconds,
            tokens=answer.tokens,
            dropped=kept.dropped,
        )

    def rest_s(self) -> float:
        """Return the seconds until it makes sense to describe something; 0: now."""
        return self._breaker.rest_s()

    def state(self) -> str | None:
        """Return what keeps the model from working, in a sentence for the operator; None when nothing does."""
        failure, rest_s = self._breaker.failure, self._breaker.rest_s()
        if failure is None and self._useless >= USELESS_ANSWERS:
            return f"the model {self._client.model} gave {self._useless} useless answers in a row: try a larger one"
        if failure is None:
            return None
        if isinstance(failure, Refused) or not rest_s:
            return str(failure)
        return f"{failure}; asking again in {_minutes(rest_s)}"

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
        self._useless += 1
        log.log(logging.WARNING if err.suspicious else logging.DEBUG, "%s: not described: %s", obj.url, err)

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
