"""Whether a child's torch can use the GPUs of its task."""

from __future__ import annotations

from typing import Any

from nas_hpc.doctor.finding import Finding, failed, warning

BUILD = "swap locks/torch.txt for another build of torch"
BF16_FROM = 8


def gpu(asked: int, seen: dict[str, Any]) -> Finding:
    """Judge what torch makes of the machine.

    Args:
        asked: GPUs that a task asks for.
        seen: see `nas_hpc.doctor.devices.look`.
    """
    if not asked:
        return Finding("children train on the CPU")
    allocated, gpus = seen["allocated"], seen["gpus"]
    if not allocated:
        return failed(
            f"{asked} asked for, but CUDA_VISIBLE_DEVICES is {allocated!r}",
            "`gpus`, or the site's own option under `sbatch`, in slurm/children.yaml",
        )
    given = f"CUDA_VISIBLE_DEVICES={allocated}"
    if not gpus:
        return failed(
            f"a GPU was allocated ({given}) but torch sees none: {seen['fault']}", _no_gpu(seen)
        )
    faults = [f"{one['name']} ({_architecture(one)}): {one['fault']}" for one in gpus]
    if any(one["fault"] for one in gpus):
        return failed(
            f"{'; '.join(faults)}; torch is built for {', '.join(seen['built_for'])}",
            f"{BUILD}, or `constraint` in slurm/children.yaml for newer GPUs",
        )
    names = ", ".join(f"{one['name']}, {one['memory_gb']:.0f} GiB" for one in gpus)
    bf16 = all(one["capability"][0] >= BF16_FROM for one in gpus)
    found = (
        f"{given}: {names}; compute capability {_capability(gpus[0])}, "
        f"{'trains in bf16' if bf16 else 'without bf16'}; torch for CUDA {seen['cuda']}, driver "
        f"for up to {_version(seen['driver'])}"
    )
    if len(gpus) < asked:
        return failed(f"{found}; {asked} asked for", "`gpus` in slurm/children.yaml")
    if len(gpus) > asked:
        return warning(
            f"{found}; only {asked} asked for",
            "ask the administrators: tasks can use the GPUs of others here",
        )
    return Finding(found)


def _no_gpu(seen: dict[str, Any]) -> str:
    built = seen["cuda"]
    if built is None:
        return f"this torch is built without CUDA: {BUILD}"
    if seen["driver"] is None:
        return "no NVIDIA driver answers there: another `partition` or `constraint`"
    if seen["driver"][0] < int(built.partition(".")[0]):
        newest = _version(seen["driver"])
        return f"the driver knows CUDA up to {newest}, torch is built for {built}: {BUILD}"
    return "ask the administrators, naming the node: nvidia-smi there may say more"


def _architecture(one: dict[str, Any]) -> str:
    return "sm_{}{}".format(*one["capability"])


def _capability(one: dict[str, Any]) -> str:
    return "{}.{}".format(*one["capability"])


def _version(driver: list[int] | None) -> str:
    return ".".join(str(part) for part in driver) if driver else "unknown"
