"""Why a customer of the published run is in a segment or not, told from what the run stored of him."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import duckdb

from features.cutoff import Cutoff
from ledger.errors import InputError
from models.reasons import Reasons
from models.release import Release
from models.scores import scores_for
from segments import known
from segments.ahead import ages, days_ahead, recomputed
from segments.assign import measured_in, parse_all
from segments.derived import statistics_of
from segments.explain import Explainer, Explanation
from segments.segment import Segment
from serving.scorer import Scorer, columns_of
from serving.store import PublishedRun


@dataclass(frozen=True)
class Why:
    """One customer and one segment, and since when.

    Parameters
    ----------
    explanation : Explanation
    since : datetime or None
        When he came in; None where he is not in it.
    """

    explanation: Explanation
    since: datetime | None


class RunExplainer:
    """Explains the customers of one run.

    Parameters
    ----------
    run : PublishedRun
    release : Release
        The one that scored the run.
    exact : bool
        Whether the days to come are asked with the ledger at hand: then windows and what history functions measure are
        known on each of them. Otherwise they count with what time moves in a way that is not known.

    Raises
    ------
    InputError
        When the run was written before it stored what explanations are told from.
    """

    def __init__(self, run: PublishedRun, release: Release, *, exact: bool = False) -> None:
        self._run = run
        # With the numbers of the store that the run judged by, those that the shop's own segments asked for included.
        thresholds = {**run.facts.numbers, **release.manifest.thresholds}
        segments = [_segment(facts) for facts in run.facts.segments]
        asked = parse_all(segments, columns_of(release.manifest)).values()
        # What a run made by an earlier version did not hold is known of nobody.
        numbers = (each for expression in asked for each in statistics_of(expression))
        lacking = {
            f"{each.column.name}:known": 0.0 for each in numbers if each.column and each.key not in thresholds
        }
        manifest = release.manifest.model_copy(update={"thresholds": thresholds | lacking})
        self._scorer = Scorer(replace(release, manifest=manifest), segments)
        self._scores = [score.name for score in scores_for(manifest.horizon_days)]
        columns = columns_of(manifest)
        parsed = parse_all(self._scorer.segments, columns)
        self._measured = [each for each in measured_in(parsed.values()) if ages(each)]
        self._features = recomputed(self._scorer.told_to_segments)
        self._explainer = Explainer(
            self._scorer.segments,
            columns,
            {**manifest.thresholds, **manifest.lifecycle_limits},
            scores=self._scores,
            exact=(*self._features, *(each.name for each in self._measured)) if exact else (),
        )

    def explain(
        self,
        customer_id: str,
        names: Iterable[str] | None = None,
        ledger: duckdb.DuckDBPyConnection | None = None,
    ) -> list[Why]:
        """
        Explain one customer.

        Parameters
        ----------
        customer_id : str
        names : iterable of str, optional
            Segments; all of the run by default.
        ledger : duckdb.DuckDBPyConnection, optional
            With views of the ledger's tables; needed of an `exact` explainer.

        Raises
        ------
        InputError
            When the run has no such customer or segment.
        """
        facts = self._facts(customer_id)
        wanted = None if names is None else list(names)
        for name in wanted or ():
            if self._run.segment(name) is None:
                raise InputError(f"no segment '{name}'; `regulars segments list` shows which there are")
        days = self._days(ledger, customer_id) if ledger is not None else None
        since = {row["segment"]: row["entered_at"] for row in self._run.memberships_of(customer_id)}
        return [Why(each, since.get(each.name)) for each in self._explainer.explain(facts, wanted, days)]

    def reasons(self, customer_id: str) -> Mapping[str, Reasons]:
        """Return the reasons of each of his scores, by the score's name."""
        return self._scorer.reasons(self._run.features_of(customer_id), self._cutoff.day)[0]

    def scores(self, customer_id: str) -> dict[str, float | None]:
        """Return his scores."""
        facts = self._facts(customer_id)
        return {name: facts[name] for name in self._scores}

    @property
    def _cutoff(self) -> Cutoff:
        return Cutoff(self._run.facts.as_of, self._run.facts.time_zone)

    def _facts(self, customer_id: str) -> dict[str, Any]:
        scores = self._run.customer(customer_id)
        if scores is None:
            raise InputError(
                f"the last run knows no customer '{customer_id}'; run `regulars score` if he is new"
            )
        features = self._run.features_of(customer_id).to_pylist()[0]
        missing = [name for name in self._scorer.told_to_segments if name not in features]
        if missing:
            raise InputError(
                "the last run did not store what explanations are told from; run `regulars score`"
            )
        return {**features, **scores}

    def _days(self, ledger: duckdb.DuckDBPyConnection, customer_id: str) -> dict[str, Sequence[Any]]:
        store = self._run.tables["store"]
        found = days_ahead(
            ledger,
            self._cutoff,
            customer_id,
            store,
            names=self._features,
            measured=self._measured,
            recorded=self._run.facts.recorded_events or known.recorded(ledger, self._cutoff),
        )
        if not found and (self._features or self._measured):
            raise InputError(f"the ledger no longer knows customer '{customer_id}' as of the last run")
        return dict(found)


def _segment(facts: Any) -> Segment:  # noqa: ANN401 - facts of a segment, whatever else they tell
    return Segment(
        name=facts.name,
        title=facts.title,
        description=facts.description,
        expression=facts.expression,
        advice=facts.advice,
    )
