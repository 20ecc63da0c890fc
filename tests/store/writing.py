"""A real process that writes a search until it is killed, and one that reads it meanwhile.

``python -m tests.store.writing FOLDER`` forks one of them for each line that it gets, ``write`` or
``read`` (forking spares the imports), prints ``started PID``, lets it print, and then prints
``ended STATUS``. A writer claims a session, goes on where the last one stopped, and prints
``recorded N`` once samples 0 to N are recorded and ``checkpoint N`` once that is.
"""

from __future__ import annotations

import os
import sys
import time
import traceback
from pathlib import Path

from nas_hpc.store import (
    RunFolder,
    SearchReader,
    Superseded,
    Writer,
    load_checkpoint,
    read_search,
    save_checkpoint,
    writer,
)
from tests.store.examples import checkpoint, claim, sample


def say(*words: object) -> None:
    os.write(1, (" ".join(map(str, words)) + "\n").encode())


def write(folder: RunFolder) -> None:
    session = claim(folder)
    number = len(read_search(folder).samples)
    latest = load_checkpoint(folder)
    ticket = latest.ticket if latest else 0
    one = Writer(folder, session)
    say("claimed", session.epoch)
    while True:
        group = [sample(number + i) for i in range(1 + number % 3)]
        one.commit(group)
        number += len(group)
        say("recorded", number - 1)
        if number % 4 == 0:
            ticket += 1
            save_checkpoint(folder, session, checkpoint(ticket))
            say("checkpoint", ticket)


def read(folder: RunFolder) -> None:
    following, before, rounds = SearchReader(folder), 0, 0
    while not folder.stop.exists():
        for log in (read_search(folder), following.read()):
            assert [s.number for s in log.samples] == list(range(len(log.samples)))
            assert len(log.samples) >= before
            before = len(log.samples)
        latest = load_checkpoint(folder)
        assert latest is None or latest.strategy == checkpoint(1).strategy
        rounds += 1
        time.sleep(0.02)
    say("read", rounds, before)


def main(folder: RunFolder) -> None:
    writer.MERGE_AFTER = 5
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            status = 1
            try:
                say("started", os.getpid())
                {"write": write, "read": read}[line.strip()](folder)
                status = 0
            except Superseded:
                status = 3
            except BaseException:
                traceback.print_exc()
            os._exit(status)
        _, status = os.waitpid(child, 0)
        say("ended", os.waitstatus_to_exitcode(status))


if __name__ == "__main__":
    main(RunFolder(Path(sys.argv[1])))
