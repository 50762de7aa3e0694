"""Random programs: a typed generator, their checks, a shrinker (`python -m tests.programs -h`)."""
