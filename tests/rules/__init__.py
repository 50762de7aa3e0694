"""Tests that come from the registry of rules: nothing is written here when a rule is added."""

import scipy.linalg  # noqa: F401
import scipy.special  # noqa: F401
