"""How hard the properties try: the short form for CI, the same examples each time; PROPERTY_EXAMPLES=2000 for more.

The long form draws new examples each time, and prints how to repeat one that fails.
"""

import os

from hypothesis import HealthCheck, Phase, Verbosity, settings


def effort(examples: int, *, steps: int = 50) -> settings:
    """The settings of a property that tries `examples` in the short form, and PROPERTY_EXAMPLES where that is set."""
    asked_for = int(os.environ.get("PROPERTY_EXAMPLES", "0"))
    return settings(
        max_examples=asked_for or examples,
        stateful_step_count=steps,
        derandomize=not asked_for,
        database=None,
        deadline=None,  # a database's pace is nobody's fault
        print_blob=True,
        verbosity=Verbosity.normal,
        phases=[Phase.explicit, Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
