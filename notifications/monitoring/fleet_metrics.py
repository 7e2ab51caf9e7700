"""The metrics of several relay processes at one address: each one's own, with its number as the label `process`."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import cast

from prometheus_client import make_wsgi_app
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector, CollectorRegistry
from prometheus_client.samples import Sample

from notifications.monitoring.metrics_server import Application

Texts = Callable[[], Mapping[int, str]]  # what each process serves at /metrics, by its number


class FleetMetrics(Collector):
    """Puts the processes' samples of each metric together, as the format wants it."""

    def __init__(self, texts: Texts) -> None:
        self._texts = texts

    def describe(self) -> Iterable[Metric]:
        """Nothing: registering must not ask processes that are still starting."""
        return []

    def collect(self) -> Iterator[Metric]:
        families: dict[str, Metric] = {}
        for number, text in self._texts().items():
            for family in text_string_to_metric_families(text):
                merged = families.setdefault(family.name, Metric(family.name, family.documentation, family.type))
                merged.samples.extend(_labelled(sample, number) for sample in family.samples)
        yield from families.values()


def _labelled(sample: Sample, number: int) -> Sample:
    return sample._replace(labels={**sample.labels, "process": str(number)})


def application(texts: Texts) -> Application:
    """Serves the metrics of all processes."""
    registry = CollectorRegistry()
    registry.register(FleetMetrics(texts))
    return cast("Application", make_wsgi_app(registry))
