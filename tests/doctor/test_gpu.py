import pytest

from nas_hpc.doctor.gpu import gpu

A100 = {"name": "A100", "capability": [8, 0], "memory_gb": 40.0, "fault": ""}
P100 = A100 | {"name": "P100", "capability": [6, 0], "fault": "no kernel image is available"}
T4 = A100 | {"name": "T4", "capability": [7, 5]}
SEEN = {
    "cuda": "13.0",
    "built_for": ["sm_75", "sm_80"],
    "allocated": "0",
    "driver": [13, 1],
    "gpus": [A100],
    "fault": "",
}
NONE = SEEN | {"gpus": [], "fault": "no device"}


@pytest.mark.parametrize(
    ("changes", "level", "said", "mend"),
    [
        (
            {},
            "ok",
            "8.0, trains in bf16; torch for CUDA 13.0, driver for up to 13.1",
            "",
        ),
        ({"gpus": [T4]}, "ok", "without bf16", ""),
        ({"gpus": [P100]}, "FAILED", "sm_60): no kernel image", "newer GPUs"),
        ({"gpus": [A100, A100]}, "warning", "only 1 asked for", "administrators"),
        ({"allocated": None}, "FAILED", "CUDA_VISIBLE_DEVICES is None", "`gpus`"),
        (
            NONE,
            "FAILED",
            "allocated (CUDA_VISIBLE_DEVICES=0) but torch sees none",
            "nvidia-smi",
        ),
        (NONE | {"driver": None}, "FAILED", "no device", "no NVIDIA driver"),
        (NONE | {"driver": [12, 4]}, "FAILED", "no device", "up to 12.4, torch is built for 13.0"),
        (NONE | {"cuda": None}, "FAILED", "no device", "without CUDA"),
    ],
)
def test_what_torch_sees_is_judged(changes, level, said, mend):
    found = gpu(1, SEEN | changes)
    assert found.level == level
    assert said in found.found and mend in found.mend and bool(mend) == bool(found.mend)


def test_fewer_gpus_than_asked_for_and_none_asked_for():
    assert gpu(2, SEEN).level == "FAILED"
    assert gpu(0, NONE | {"allocated": None}).level == "ok"
