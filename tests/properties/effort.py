"""How hard the properties try: the short form for CI, the same examples each time; PROPERTY_EXAMPLES=2000 for more.

The long form draws new examples each time, and prints how to repeat one that fails.
"""

import os

from hypothesis import HealthCheck, settings

ASKED_FOR = int(os.environ.get("PROPERTY_EXAMPLES", "0"))
TIMEOUT = 0 if ASKED_FOR else 600  # seconds: an example that fails is made small before it is shown


def effort(examples: int, *, steps: int = 40) -> settings:
    """The settings of a property that tries `examples` in the short form, and PROPERTY_EXAMPLES where that is set."""
    return settings(
        max_examples=ASKED_FOR or examples,
        stateful_step_count=steps,
        derandomize=not ASKED_FOR,
        database=None,
        deadline=None,  # a database's pace is nobody's fault
        print_blob=True,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )
