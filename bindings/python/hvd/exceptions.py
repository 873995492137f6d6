"""Errors of hvd.

A mistake that is found at the call, before anything started, raises ``ValueError``. What goes wrong
between ranks raises a subclass of `HvdError` where the result is waited for; `HvdError` is a
`HorovodInternalError`, so scripts written for Horovod catch it. Which ones end the job:

==========================  ==================================================  ==================
class                       meaning                                             later operations
==========================  ==================================================  ==================
HvdMismatchError            ranks disagree about shape, dtype, operation, root  work
HvdDeadlineError            a rank did not submit in time                       work
HvdUnsupportedError         hvd cannot do this (yet)                            work
HvdPeerEndedError           a rank that is still needed ended normally          fail
HvdAbortedError             a rank died                                         fail until init()
HvdShutdownError            this process called shutdown()                      fail until init()
HvdResourceError            memory, descriptors or ports could not be had       depends
HvdPermissionError          authentication failed                               depends
==========================  ==================================================  ==================
"""

from __future__ import annotations

_INVALID_ARGUMENT = 1
_PRECONDITION = 2


class HorovodInternalError(RuntimeError):
    """Horovod's name for every failure of a collective operation."""


class HvdError(HorovodInternalError):
    """A collective operation, or `init`, failed.

    Attributes:
        code: the ``hvd_status_t`` of hvd.h, an int.
        tensor: name of the operation as it travels between ranks (``allreduce.x``), or "".
        rank: the rank that the error is about, or -1.
        cause: the kind of failure in a few words; ``str(error)`` is the whole story.
    """

    cause = "hvd failed"

    def __init__(self, text: str = "", code: int = 0, tensor: str = "", rank: int = -1) -> None:
        super().__init__(text)
        self.code = code
        self.tensor = tensor
        self.rank = rank

    def __reduce__(self) -> tuple:
        return type(self), (str(self), self.code, self.tensor, self.rank)


class HvdMismatchError(HvdError):
    """Ranks disagree about one operation; the same error reaches all of them, later ones work."""

    cause = "ranks disagree"


class HvdAbortedError(HvdError):
    """A rank died. Only `shutdown` and `init` help."""

    cause = "a rank died"


class HvdDeadlineError(HvdError):
    """A rank did not submit the operation within the deadline."""

    cause = "a rank did not submit in time"


class HvdPeerEndedError(HvdError):
    """A rank that this operation still needs has shut down."""

    cause = "a rank ended"


class HvdShutdownError(HvdError):
    """`shutdown` was called in this process while the operation was pending, or fork() happened."""

    cause = "hvd is not running in this process"


class HvdUnsupportedError(HvdError):
    """hvd cannot do this, or not yet; the text says which."""

    cause = "not supported"


class HvdResourceError(HvdError):
    """Memory, file descriptors or ports could not be had."""

    cause = "out of resources"


class HvdPermissionError(HvdError):
    """A rank could not prove that it belongs to the job."""

    cause = "authentication failed"


_CLASS_OF_STATUS: dict[int, type[HvdError]] = {
    2: HvdShutdownError,
    3: HvdMismatchError,
    4: HvdAbortedError,
    5: HvdDeadlineError,
    6: HvdPeerEndedError,
    7: HvdUnsupportedError,
    8: HvdResourceError,
    11: HvdPermissionError,
}
_UNSUPPORTED = 7


def from_status(code: int, text: str, tensor: str, rank: int, at_call: bool) -> Exception:
    """Makes the exception for a failed call of libhvd; called by `_core`.

    Args:
        code: ``hvd_status_t``.
        text: the sentence of libhvd.
        tensor: name of the tensor it is about, or "".
        rank: the rank it is about, or -1.
        at_call: whether nothing was started, so that the mistake is the caller's own.

    >>> from_status(3, "shapes differ", "allreduce.x", 1, False).cause
    'ranks disagree'
    >>> type(from_status(1, "no such root", "", -1, True)).__name__
    'ValueError'
    """
    if code == _INVALID_ARGUMENT or (at_call and code == _UNSUPPORTED):
        return ValueError(text)
    return _CLASS_OF_STATUS.get(code, HvdError)(text, code, tensor, rank)
