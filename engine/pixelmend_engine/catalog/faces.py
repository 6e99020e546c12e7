"""The published files that find faces and tell them from what is around them. Read without torch.

They are needed for faces whatever model restores them; `files.json` says what and where they are.
"""

from pixelmend.errors import DownloadFailed, PixelmendError, WeightsMissing

DETECTOR = "retinaface-resnet50"
PARSER = "parsenet"
CONTEXT = 1_000_000  # pixels around a selection, more than any picture has: a face is found whole
MIN_SIZE = 32  # pixels; of a smaller face too little is left to restore it


def not_to_be_had(error: PixelmendError) -> PixelmendError:
    """Returns an error of one of the files that find faces, in the words of who looks for faces."""
    message = error.message
    if isinstance(error, WeightsMissing | DownloadFailed):
        message = "What finds faces is not on this computer, and can't be fetched now"
    return type(error)(message, hint=or_mark(error.hint))


def or_mark(hint: str) -> str:
    """Adds what does without the files that find faces."""
    return f"{hint}. Or mark the face: select it, or use --box on a command line"
