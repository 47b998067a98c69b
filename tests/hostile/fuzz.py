"""Every reader of what comes from outside, against broken input, for as long as you like.

    .venv/bin/python -m tests.hostile.fuzz retry-after --seconds 600

With atheris installed (it is not in the lock) the search follows the coverage of the program;
without it, mutations of our own run, for `sniffer` and `names` those of hypothesis. The output
says which. The first finding ends the run with its input; the exit code is then not 0.
"""

import argparse
import importlib
import importlib.util
import sys
import time
from typing import Any

# Each module has `check(bytes)`, `starts()` and `run(seconds, seed)`.
TARGETS = {
    "sniffer": "fuzz_content",
    "names": "fuzz_names",
    "retry-after": "fuzz_retry_after",
    "envelopes": "fuzz_envelopes",
    "settings": "fuzz_settings",
}


def target(name: str) -> Any:
    return importlib.import_module(f"{__package__}.{TARGETS[name]}")


def run_own(name: str, seconds: float, number: int) -> None:
    module = target(name)
    engine = getattr(module, "ENGINE", "own mutations")
    print(f"{name}: {engine}, seed {number}, {seconds:g} s", flush=True)
    began = time.monotonic()
    done = module.run(seconds, number)
    took = time.monotonic() - began
    print(f"{name}: {done:,} executions in {took:.0f} s, 0 findings ({engine})")


def run_atheris(name: str, seconds: float, number: int, folder: str) -> None:
    """Ends the process: libFuzzer prints how many runs there were."""
    atheris: Any = importlib.import_module("atheris")
    with atheris.instrument_imports(include=["exai_desktop"]):
        module = target(name)
    starts = module.starts()
    mutated = importlib.import_module(f"{__package__}.mutation").mutated
    random = importlib.import_module("random")

    def check(data: bytes) -> None:
        # The bytes themselves, and as the seed of changes to a known good form.
        module.check(data)
        start = starts[int.from_bytes(data[:2], "little") % len(starts)]
        module.check(mutated(start, random.Random(data)))

    print(f"{name}: atheris, seed {number}, {seconds:g} s", flush=True)
    limits = [f"-max_total_time={int(seconds)}", f"-seed={number or 1}", "-max_len=70000"]
    atheris.Setup([sys.argv[0], *limits, f"-artifact_prefix={folder}"], check)
    atheris.Fuzz()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target", choices=TARGETS)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--own", action="store_true", help="not atheris, even if it is there")
    parser.add_argument("--findings", default="./fuzz-", help="how atheris names inputs it keeps")
    asked = parser.parse_args()
    if asked.own or importlib.util.find_spec("atheris") is None:
        run_own(asked.target, asked.seconds, asked.seed)
    else:
        run_atheris(asked.target, asked.seconds, asked.seed, asked.findings)


if __name__ == "__main__":
    main()
