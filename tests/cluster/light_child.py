"""A child that speaks the protocol and acts as its trial's arguments say; it imports no torch."""

import json
import os
import signal
import sys
import time
from pathlib import Path


def wait_for(path: str) -> None:
    Path(path + ".reached").touch()
    while not Path(path).exists():
        time.sleep(0.005)


def main(root: Path) -> None:
    if not (root.parent / "data").exists():
        sys.exit(f"{root.parent / 'data'} is missing")
    from nas_hpc.store import Outcome, RunFolder, write_outcome

    folder = RunFolder(root)
    print(json.dumps({"ready": os.getpid()}), flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        claim = json.loads(Path(request["claim"]).read_text())
        act, gate = claim["arguments"]["act"], claim["arguments"]["gate"]
        folder.trial(claim["trial"]).joinpath("checkpoint").write_text("of epoch 1")
        if act == "babble":
            print("epoch 1 of 3", flush=True)
            time.sleep(600)
        if act == "close":
            os.close(1)
            time.sleep(600)
        if act == "work":
            time.sleep(0.05)
        if act == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        if act == "exit":
            os._exit(3)
        if act == "fork":
            if (helper := os.fork()) == 0:
                time.sleep(600)
            Path(gate + ".helper").write_text(str(helper))
        if gate and act != "die after outcome":
            wait_for(gate)
        status = "diverged" if act == "diverge" else "ok"
        outcome = Outcome(
            trial=claim["trial"],
            status=status,
            reward=0.5,
            attempt=request["attempt"],
            ended=time.time(),
            device=str(os.getpid()),
        )
        write_outcome(folder.outcomes / f"{claim['trial']:09d}.h5", outcome)
        if act == "die after outcome":
            if gate:
                wait_for(gate)
            os.kill(os.getpid(), signal.SIGKILL)
        print(json.dumps({"trial": claim["trial"], "status": status}), flush=True)
        if status != "ok":
            return


if __name__ == "__main__":
    main(Path(sys.argv[1]))
