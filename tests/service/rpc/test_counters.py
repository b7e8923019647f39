"""What is counted in one go is what the library counts one by one."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Histogram

from sspid.rpc.counters import BUCKETS, Times

SECONDS = st.one_of(st.sampled_from(BUCKETS), st.floats(min_value=0, max_value=100))


def samples(registry: CollectorRegistry) -> dict[tuple[str, str], float]:
    """Every sample but those that say when the histogram was made."""
    found = (sample for metric in registry.collect() for sample in metric.samples)
    return {(each.name, each.labels.get("le", "")): round(each.value, 6) for each in found if "created" not in each.name}


@given(st.lists(st.lists(SECONDS, min_size=1)))
def test_times_are_those_of_the_librarys_histogram(batches: list[list[float]]) -> None:
    together, alone = CollectorRegistry(), CollectorRegistry()
    ours = Times("seconds", "Ours.", ["function"], buckets=BUCKETS, registry=together).labels("f")
    theirs = Histogram("seconds", "Theirs.", ["function"], buckets=BUCKETS, registry=alone).labels("f")
    for batch in batches:
        ours.observe_all(batch)
        for seconds in batch:
            theirs.observe(seconds)
    assert samples(together) == samples(alone)
