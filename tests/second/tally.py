"""Counts of checks by family."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

SHOWN_FAILURES = 10


class Tally:
    def __init__(self) -> None:
        self.passed: Counter[str] = Counter()
        self.failed: Counter[str] = Counter()

    def check(self, family: str, good: bool, detail: str = "") -> None:
        (self.passed if good else self.failed)[family] += 1
        if not good and self.failed[family] <= SHOWN_FAILURES:
            print(f"FAILED {family}: {detail[:600]}")

    def equal(self, family: str, found: object, expected: object, detail: str = "") -> None:
        self.check(family, found == expected, f"{detail}: found {found!r}, expected {expected!r}")

    def attempt(self, family: str, detail: str, step: Callable[[], object]) -> None:
        """A check that raises where it fails."""
        try:
            step()
        except Exception as error:  # whatever went wrong is a failure, and the others go on
            self.check(family, False, f"{detail}: {type(error).__name__}: {error}")

    def summary(self) -> list[str]:
        families = sorted(self.passed.keys() | self.failed.keys())
        return [f"{family}: {self.passed[family]} passed, {self.failed[family]} failed" for family in families]

    @property
    def totals(self) -> tuple[int, int]:
        return self.passed.total(), self.failed.total()
