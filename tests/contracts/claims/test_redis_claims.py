"""Claims in a Redis: what only they do."""

from __future__ import annotations

import time

from .places import SHORT_S, InRedis, held


def test_a_lease_that_could_not_be_renewed_holds_no_more(in_redis: InRedis) -> None:
    hold = held(in_redis.claims("one", SHORT_S))
    in_redis.cut()
    time.sleep(SHORT_S * 1.1)
    # Nobody can tell whether another machine has it.
    assert not hold.is_ours
    hold.release()
