"""The published files that find faces and tell them from what is around them. Read without torch.

They are needed for faces whatever model restores them; `files.json` says what and where they are.
"""

DETECTOR = "retinaface-resnet50"
PARSER = "parsenet"
CONTEXT = 1_000_000  # pixels around a selection, more than any picture has: a face is found whole
MIN_SIZE = 32  # pixels; of a smaller face too little is left to restore it


def or_mark(hint: str) -> str:
    """Adds what does without the files that find faces."""
    return f"{hint}. Or mark the face: select it, or use --box on a command line"
