"""Our own mutations: what `fuzz` runs on where atheris is not installed."""

import random
import time
from collections.abc import Callable, Sequence

# Values at which length and offset fields go wrong.
_EDGES = (
    b"\0" * 4,
    b"\xff" * 4,
    b"\xfe\xff\xff\xff",
    b"\xff\xff",
    b"\x7f\xff\xff\xff",
    b"\x01\0\0\0",
)


def mutated(start: bytes, draws: random.Random, words: Sequence[bytes] = _EDGES) -> bytes:
    """One to six changes. `words` are what this reader takes to mean something."""
    content = bytearray(start)
    for _ in range(draws.randint(1, 6)):
        place = draws.randrange(len(content) + 1)
        match draws.randrange(7):
            case 0:
                content[place : place + 1] = bytes([draws.randrange(256)])
            case 1:
                edge = draws.choice(words)
                content[place : place + len(edge)] = edge
            case 2:
                del content[place:]
            case 3:
                del content[place : place + draws.randint(1, 64)]
            case 4:
                content[place:place] = content[place // 2 : place // 2 + draws.randint(1, 600)]
            case 5:
                content[place:place] = draws.choice(words)
            case _:
                content[place:place] = draws.randbytes(draws.randint(1, 40))
    return bytes(content)


def run(
    check: Callable[[bytes], object],
    starts: Sequence[bytes],
    words: Sequence[bytes],
    seconds: float,
    number: int,
) -> int:
    """Mutate until the time is up; how often. What `check` raises ends it, with its input."""
    draws, end, done = random.Random(number), time.process_time() + seconds, 0
    while time.process_time() < end:
        start = draws.choice(starts) if draws.random() < 0.9 else draws.randbytes(40)
        data = mutated(start, draws, words)
        done += 1
        try:
            check(data)
        except BaseException as error:
            error.add_note(f"execution {done} of seed {number}: {data!r}")
            raise
    return done
