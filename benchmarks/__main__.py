"""All benchmarks of releases, one after the other: `make bench`."""

from benchmarks import adding, lateness, recovery, scaling, stages
from benchmarks.running import main

BENCHES = {
    "stages": (stages.measure, stages.TURNS),
    "lateness": (lateness.measure, lateness.TURNS),
    "adding": (adding.measure, adding.TURNS),
    "recovery": (recovery.measure, recovery.TURNS),
    "scaling": (scaling.measure, scaling.TURNS),
}

if __name__ == "__main__":
    main(BENCHES, __doc__)
