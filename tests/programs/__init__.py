"""Random programs: a typed generator, its oracles, a shrinker (`python -m tests.programs --help`)."""
