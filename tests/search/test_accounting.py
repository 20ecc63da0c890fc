"""What a real search records of its cost, and how it ends once that is all it may cost."""

import math

from nas_hpc.report.ledger import Ledger
from nas_hpc.store import Ending, read_search
from nas_hpc.store.ending import COMPLETE, DEVICE_HOURS

SECONDS = 2.0


def test_device_hours_end_a_search_and_more_of_them_let_it_go_on(small_search):
    search = small_search(
        child={"options": {"seconds": 0.2}},
        slots={"executor": "local", "count": 2},
        budget={"trials": 14, "device_hours": SECONDS / 3600},
    )
    search.run()
    log = read_search(search.run_folder)
    assert Ending.of(log, search.experiment.budget) == Ending(
        DEVICE_HOURS, len(log.outcomes), done=True
    )
    assert sum(outcome.device_seconds for outcome in log.outcomes) >= SECONDS

    search.change(budget={"trials": 14, "device_hours": 1.0})
    search.run()
    log = read_search(search.run_folder)
    assert Ending.of(log, search.experiment.budget).reason == COMPLETE
    assert sorted(outcome.trial for outcome in log.outcomes) == list(range(14))

    # Every slot has ended in order, and its life holds the attempts in it.
    lives = {life.slot: life for life in log.slots}
    assert len(lives) == len(log.slots) and {o.slot for o in log.outcomes} <= lives.keys()
    for life in log.slots:
        assert life.devices == 1.0 and life.submitted <= life.ended
    for outcome in log.outcomes:
        life = lives[outcome.slot]
        assert not math.isnan(life.started)
        assert life.submitted <= life.started <= outcome.started < outcome.ended <= life.ended
    ledger = Ledger.of(log)
    assert ledger.elsewhere == 0 and ledger.wasted == {}
    assert 0 < ledger.utilisation <= 1
