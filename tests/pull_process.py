"""A process of its own that installs the small weight file, for tests that kill it.

python pull_process.py MODELS_DIR ADDRESS
"""

import sys
from pathlib import Path

from published import small_file

from pixelmend_engine.catalog.weight_files import DirectUrl
from pixelmend_engine.weights.download.network_settings import EXPLICIT_PULL, Network
from pixelmend_engine.weights.installer import Installer


def main() -> None:
    """Pulls it, as slowly as the source sends it."""
    models_dir, address = sys.argv[1:]
    installer = Installer(Path(models_dir), Network())
    installer.pull(small_file(DirectUrl(address)), EXPLICIT_PULL, lambda done, total: None)


if __name__ == "__main__":
    main()
