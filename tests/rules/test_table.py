"""The page of rules in the documentation is the table of the code."""

from __future__ import annotations

from pathlib import Path

from s2s_ad.rules.table import rules_markdown

PAGE = Path(__file__).parents[2] / "docs" / "rules.md"


def test_the_page_is_current():
    again = "regenerate it: python -m s2s_ad.rules.table > docs/rules.md"
    assert PAGE.read_text(encoding="utf-8") == rules_markdown(), again
