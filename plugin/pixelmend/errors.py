"""Everything that can go wrong, as the user meets it.

    PixelmendError           internal              exit 1
    +-- BadRequest           bad-request                2
    +-- UnknownModel         unknown-model              2
    +-- BadImage             bad-image                  3
    +-- UnsupportedImage     unsupported-image          3
    +-- NoFaceFound          no-face-found             11
    +-- WeightsMissing       weights-missing            4
    +-- WeightsNotReadable   weights-not-readable       4
    +-- UnreadableCheckpoint unreadable-checkpoint      4
    +-- DownloadFailed       download-failed            4
    +-- WrongFile            hash-mismatch              4
    +-- OutputFailed         output-failed              5
    +-- OutputExists         output-exists              5
    +-- DiskFull             disk-full                  5
    +-- DeviceUnavailable    device-unavailable         6
    +-- OutOfMemory          out-of-memory              7
    +-- EngineUnavailable    engine-unavailable         8
    +-- EngineBusy           engine-busy                8
    +-- Unauthorized         unauthorized               8
    +-- Forbidden            forbidden                  8
    +-- NotFound             not-found                  8
    +-- TooLarge             too-large                  8
    +-- TooSlow              too-slow                   8
    +-- SpoolFull            spool-full                 8
    +-- EditorMissing        editor-missing             9
    +-- PackageMissing       package-missing           10
    +-- TrainingDiverged     training-diverged         10
    +-- PriorCollapsed       prior-collapsed           10
    +-- WorkerDied           worker-died               12
    +-- StorageFailed        storage-failed            13
    +-- Canceled             canceled                 130

An error crosses every border as `code`, `message` and `hint`. Codes and exit codes are stable.
Runs on Python 3.9, standard library only: hosts load this file.
"""

from __future__ import annotations

from typing import Any

from .printable import printable, without_passwords


class PixelmendError(Exception):
    """Something went wrong: `message` says what happened, `hint` what to do next.

    Both are one line each, act on nothing that shows them, whoever's words are in them, and hold no
    password of an address.
    """

    code = "internal"
    status = 500  # of the HTTP answer
    exit_code = 1  # of the command line

    def __init__(self, message: str, *, hint: str) -> None:
        self.message = printable(without_passwords(message))
        self.hint = printable(without_passwords(hint))
        super().__init__(self.message)


class BadRequest(PixelmendError):
    """The request contradicts itself, or asks for what does not exist."""

    code = "bad-request"
    status = 400
    exit_code = 2


class UnknownModel(PixelmendError):
    """A model was named that the catalog does not have."""

    code = "unknown-model"
    status = 404
    exit_code = 2


class BadImage(PixelmendError):
    """The file is no image, or is damaged, empty, too small or too large."""

    code = "bad-image"
    status = 422
    exit_code = 3


class UnsupportedImage(PixelmendError):
    """The file is a sound image of a kind that can't be restored without losing something."""

    code = "unsupported-image"
    status = 415
    exit_code = 3


class NoFaceFound(PixelmendError):
    """Faces were to be restored, and the picture has none that can be seen."""

    code = "no-face-found"
    status = 422
    exit_code = 11


class WeightsMissing(PixelmendError):
    """A model was asked for whose weights are not on this computer."""

    code = "weights-missing"
    status = 409
    exit_code = 4


class WeightsNotReadable(PixelmendError):
    """Weights are there that this user may not read; they may be sound."""

    code = "weights-not-readable"
    status = 403
    exit_code = 4


class UnreadableCheckpoint(PixelmendError):
    """Weights were given that are damaged, or belong to another model."""

    code = "unreadable-checkpoint"
    status = 422
    exit_code = 4


class DownloadFailed(PixelmendError):
    """No source gives the weights: no network, no such file any more, too many requests."""

    code = "download-failed"
    status = 502
    exit_code = 4


class WrongFile(PixelmendError):
    """What was downloaded is not the published file; nothing of it is kept."""

    code = "hash-mismatch"
    status = 502
    exit_code = 4


class OutputFailed(PixelmendError):
    """The result could not be written: no permission, no space, no such folder."""

    code = "output-failed"
    status = 507
    exit_code = 5


class OutputExists(PixelmendError):
    """The result would replace a file, and nobody said that it may."""

    code = "output-exists"
    status = 409
    exit_code = 5


class DiskFull(PixelmendError):
    """The weights can't be stored: no room, or no permission."""

    code = "disk-full"
    status = 507
    exit_code = 5


class DeviceUnavailable(PixelmendError):
    """A device or a precision was asked for that this computer does not have."""

    code = "device-unavailable"
    status = 409
    exit_code = 6


class OutOfMemory(PixelmendError):
    """The picture, or one tile of it, does not fit into the device's memory."""

    code = "out-of-memory"
    status = 507
    exit_code = 7


class PackageMissing(PixelmendError):
    """A command needs packages that are installed with an extra, and they are not there."""

    code = "package-missing"
    status = 501
    exit_code = 10


class TrainingDiverged(PixelmendError):
    """A training run came to numbers that it can't go on with."""

    code = "training-diverged"
    status = 500
    exit_code = 10


class PriorCollapsed(PixelmendError):
    """A model in training no longer tells one photograph from another as a whole."""

    code = "prior-collapsed"
    status = 500
    exit_code = 10


class EngineUnavailable(PixelmendError):
    """The engine can't be started or reached, or ended while it worked."""

    code = "engine-unavailable"
    status = 503
    exit_code = 8


class EngineBusy(PixelmendError):
    """The engine is to end, and works for somebody."""

    code = "engine-busy"
    status = 409
    exit_code = 8


class Unauthorized(PixelmendError):
    """A request to the engine came without its token."""

    code = "unauthorized"
    status = 401
    exit_code = 8


class Forbidden(PixelmendError):
    """A request to the engine came from where none may come, such as a web page."""

    code = "forbidden"
    status = 403
    exit_code = 8


class NotFound(PixelmendError):
    """The engine has no such address, job or result, or no longer."""

    code = "not-found"
    status = 404
    exit_code = 8


class TooLarge(PixelmendError):
    """A request to the engine has more bytes than it takes, or does not say how many."""

    code = "too-large"
    status = 413
    exit_code = 8


class TooSlow(PixelmendError):
    """A request to the engine came to a standstill."""

    code = "too-slow"
    status = 408
    exit_code = 8


class SpoolFull(PixelmendError):
    """The engine found no room, in memory or on disk, for a picture that has to wait."""

    code = "spool-full"
    status = 507
    exit_code = 8


class EditorMissing(PixelmendError):
    """There is no editor that a plug-in could be installed into, or its folder is locked."""

    code = "editor-missing"
    status = 404
    exit_code = 9


class WorkerDied(PixelmendError):
    """A process that restored pictures of a batch ended, again and again, over this one."""

    code = "worker-died"
    status = 500
    exit_code = 12


class StorageFailed(PixelmendError):
    """A picture can't be read from, or a result written to, a storage that is not a disk here."""

    code = "storage-failed"
    status = 502
    exit_code = 13


class Canceled(PixelmendError):
    """The user asked to stop. Nothing went wrong."""

    code = "canceled"
    status = 409
    exit_code = 130  # as shells say of a program that Ctrl-C ended


def unexpected() -> PixelmendError:
    """Returns what the user is told where nobody knows what happened; the log knows more."""
    return PixelmendError(
        "The engine failed for a reason that nobody expected",
        hint="`pixelmend engine logs` shows what happened; please report it",
    )


FATAL = (  # what is wrong with one picture would be wrong with all
    Canceled,
    DeviceUnavailable,
    DiskFull,
    DownloadFailed,
    EngineUnavailable,
    UnknownModel,
    UnreadableCheckpoint,
    WeightsMissing,
    WeightsNotReadable,
    WrongFile,
)


def to_json(error: PixelmendError) -> dict[str, str]:
    """Writes an error as it crosses the wire."""
    return {"code": error.code, "message": error.message, "hint": error.hint}


def from_json(fields: dict[str, Any]) -> PixelmendError:
    """Reads an error from the wire; a code from a newer engine becomes `internal`."""
    kinds = {kind.code: kind for kind in PixelmendError.__subclasses__()}
    kind = kinds.get(str(fields.get("code")), PixelmendError)
    message = str(fields.get("message", "The engine said nothing more"))
    return kind(message, hint=str(fields.get("hint", "")))
