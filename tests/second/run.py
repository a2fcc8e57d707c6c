"""The second implementation against the vector files and against the Rust one: `python tests/second/run.py`.

Run it from the repository's root, with the packages of requirements.txt. `--seed` makes other cases.
"""

from __future__ import annotations

import argparse
import sys
import time

import check_vectors
import interop
import interop_appliance
import interop_audit
from tally import Tally


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="of the generated cases (default: 1)")
    parser.add_argument("--no-interop", action="store_true", help="the vector files only")
    arguments = parser.parse_args()
    print(f"seed {arguments.seed}")
    tally, begun = Tally(), time.monotonic()
    check_vectors.check_own(tally)
    check_vectors.check_all(tally)
    check_vectors.check_remade(tally)
    if not arguments.no_interop:
        interop.check_all(tally, arguments.seed)
        interop_audit.check_all(tally, arguments.seed)
        interop_appliance.check_all(tally, arguments.seed)
    print("\n".join(tally.summary()))
    print(f"{time.monotonic() - begun:.0f} s")
    passed, failed = tally.totals
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
