"""The winner of an experiment, to be used without this package.

The finally trained network (`winner`) is followed down to torch's own layers (`tracing`), written
as plain Python code (`source`, `text`), and saved with its weights, and as ONNX (`files`).

Nothing here imports torch; the modules do.
"""


class ExportError(RuntimeError):
    """A network cannot be exported; the message says why and what to do."""


__all__ = ["ExportError"]
