"""One walk through a space: the generator run decision by decision, and what is built on it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from nas_hpc.spaces.decisions import (
    Anchor,
    Arguments,
    Choice,
    Connect,
    Decision,
    Point,
    Space,
    SpaceError,
    Tokens,
)


class Walk:
    """A space's generator, paused at the decision that waits for an answer.

    Attributes:
        decision: the decision to answer next; None once the architecture is complete.
        architecture: what the generator returned; None before.
        anchors: paths of the anchors met so far; an anchor's number is its index here.

    Raises:
        SpaceError: wrong arguments, an undeclared kind, a repeated path, a connection to an
            anchor that does not exist, or a token that is not allowed.
    """

    def __init__(self, space: Space, arguments: Arguments) -> None:
        self.space = space
        self.anchors: list[str] = []
        self.decision: Decision | None = None
        self.architecture: Any = None
        self._pairs: list[tuple[str, int]] = []
        self._paths: set[str] = set()
        try:
            self._generator = space.generate(**arguments)
        except TypeError as error:
            raise SpaceError(
                f"space {space.name!r}, arguments {dict(arguments)}: {error}"
            ) from None
        self._advance(None)

    @property
    def tokens(self) -> Tokens:
        """The (path, token) pairs answered so far."""
        return tuple(self._pairs)

    def paths(self) -> tuple[str, ...]:
        """The paths of the tokens that the waiting decision takes."""
        if isinstance(self.decision, Connect):
            return tuple(f"{self.decision.path} < {self.anchors[j]}" for j in self.decision.among)
        return () if self.decision is None else (self.decision.path,)

    def allowed(self) -> tuple[tuple[int, ...], ...]:
        """For each token of the waiting decision, the values that it may take."""
        match self.decision:
            case Choice():
                return (self.decision.allowed(),)
            case Connect():
                return ((0, 1),) * len(self.decision.among)
            case Point():
                return (tuple(range(len(self.decision.among))),)
        return ()

    def answer(self, tokens: Sequence[int]) -> None:
        """Answer the waiting decision with its tokens and go on to the next one."""
        decision, paths, allowed = self.decision, self.paths(), self.allowed()
        if decision is None:
            raise SpaceError(f"space {self.space.name!r}: nothing is left to decide")
        if len(tokens) != len(paths):
            raise SpaceError(f"{decision.path}: takes {len(paths)} tokens, got {list(tokens)}")
        for path, token, values in zip(paths, tokens, allowed, strict=True):
            if token not in values:
                raise SpaceError(f"{path}: token {token} is not one of {list(values)}")
            self._pairs.append((path, int(token)))
        match decision:
            case Choice():
                self._advance(decision.kind.options[tokens[0]])
            case Connect():
                self._advance(tuple(j for j, on in zip(decision.among, tokens, strict=True) if on))
            case Point():
                self._advance(decision.among[tokens[0]])

    def _advance(self, answer: Any) -> None:
        try:
            yielded = self._generator.send(answer)
            while isinstance(yielded, Anchor):
                self._claim(yielded.path)
                self.anchors.append(yielded.path)
                yielded = self._generator.send(len(self.anchors) - 1)
        except StopIteration as end:
            self.decision, self.architecture = None, end.value
            return
        self._check(yielded)
        self.decision = yielded

    def _check(self, decision: Any) -> None:
        if not isinstance(decision, Choice | Connect | Point):
            raise SpaceError(f"space {self.space.name!r} yielded {decision!r}, not a decision")
        self._claim(decision.path)
        if isinstance(decision, Choice):
            if not self.space.declares(decision.kind):
                raise SpaceError(
                    f"{decision.path}: kind {decision.kind.name!r} with options "
                    f"{decision.kind.options} is not among the kinds of space {self.space.name!r}"
                )
            decision.allowed()
            return
        if isinstance(decision, Point) and not decision.among:
            raise SpaceError(f"{decision.path}: there is no anchor to point at")
        for j in decision.among:
            if j not in range(len(self.anchors)):
                raise SpaceError(
                    f"{decision.path}: anchor {j} does not exist, there are {len(self.anchors)}"
                )
        if len(set(decision.among)) != len(decision.among):
            raise SpaceError(f"{decision.path}: an anchor stands twice in {list(decision.among)}")

    def _claim(self, path: str) -> None:
        if path in self._paths:
            raise SpaceError(f"space {self.space.name!r} uses the path {path!r} twice")
        self._paths.add(path)


def replay(space: Space, arguments: Arguments, tokens: Tokens) -> Any:
    """The architecture of stored tokens.

    Raises:
        SpaceError: the tokens do not belong to this space and these arguments, path by path.
    """
    walk = Walk(space, arguments)
    position = 0
    while walk.decision is not None:
        paths = walk.paths()
        given = tokens[position : position + len(paths)]
        if tuple(path for path, _ in given) != paths:
            raise SpaceError(
                f"space {space.name!r} asks for {list(paths)} where the stored tokens have "
                f"{[path for path, _ in given]}"
            )
        walk.answer([token for _, token in given])
        position += len(paths)
    if position != len(tokens):
        raise SpaceError(f"space {space.name!r}: {len(tokens) - position} tokens too many")
    return walk.architecture


def complete(
    space: Space, arguments: Arguments, choose: Callable[[str, Sequence[int]], int]
) -> Walk:
    """The walk whose every token is ``choose(path, allowed values)``."""
    walk = Walk(space, arguments)
    while walk.decision is not None:
        asked = zip(walk.paths(), walk.allowed(), strict=True)
        walk.answer([choose(path, values) for path, values in asked])
    return walk


def draw(space: Space, arguments: Arguments, rng: np.random.Generator) -> Walk:
    """A walk with every token uniform over its allowed values."""
    return complete(space, arguments, lambda _, values: int(rng.choice(values)))


def mutate(space: Space, arguments: Arguments, tokens: Tokens, rng: np.random.Generator) -> Walk:
    """Change one token and replay the rest, until the architecture differs.

    Later paths that still exist keep their token where it is allowed; others are drawn anew;
    vanished ones are dropped.

    Raises:
        SpaceError: no single change gives another architecture.
    """
    original, kept = replay(space, arguments, tokens), dict(tokens)

    def keep_or_draw(path: str, values: Sequence[int]) -> int:
        return kept[path] if kept.get(path) in values else int(rng.choice(values))

    changes = [
        (path, value)
        for path, values in _asked(space, arguments, tokens)
        for value in values
        if value != dict(tokens)[path]
    ]
    for i in rng.permutation(len(changes)):
        path, value = changes[i]
        kept = dict(tokens) | {path: value}
        walk = complete(space, arguments, keep_or_draw)
        if walk.architecture != original:
            return walk
    raise SpaceError(f"space {space.name!r}: no single change gives another architecture")


def enumerate_space(space: Space, arguments: Arguments) -> Iterator[Walk]:
    """Every complete walk of the space, in the lexical order of its tokens; for small spaces."""

    def extend(prefix: tuple[int, ...]) -> Iterator[Walk]:
        pending = list(prefix)
        walk = Walk(space, arguments)
        while walk.decision is not None:
            width = len(walk.paths())
            if len(pending) < width:
                for value in walk.allowed()[len(pending)]:
                    yield from extend((*prefix, value))
                return
            walk.answer(pending[:width])
            del pending[:width]
        yield walk

    yield from extend(())


def _asked(
    space: Space, arguments: Arguments, tokens: Tokens
) -> Iterator[tuple[str, tuple[int, ...]]]:
    known = dict(tokens)
    walk = Walk(space, arguments)
    while walk.decision is not None:
        asked = list(zip(walk.paths(), walk.allowed(), strict=True))
        yield from asked
        walk.answer([known[path] for path, _ in asked])
