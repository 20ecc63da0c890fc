"""Search spaces: generators of decisions that turn answers into architectures."""

from nas_hpc.spaces.architecture import canonical, describe, digest, fingerprint
from nas_hpc.spaces.decisions import (
    Anchor,
    Arguments,
    Choice,
    Connect,
    Decision,
    Kind,
    Point,
    Space,
    SpaceError,
    Tokens,
)
from nas_hpc.spaces.registry import load_space
from nas_hpc.spaces.walk import Walk, complete, draw, enumerate_space, mutate, replay

__all__ = [
    "Anchor",
    "Arguments",
    "Choice",
    "Connect",
    "Decision",
    "Kind",
    "Point",
    "Space",
    "SpaceError",
    "Tokens",
    "Walk",
    "canonical",
    "complete",
    "describe",
    "digest",
    "draw",
    "enumerate_space",
    "fingerprint",
    "load_space",
    "mutate",
    "replay",
]
