"""The first module of the frozen program.

`multiprocessing.freeze_support` is not called: the program starts no process by that module, and to
load it takes as long as all that `exai-desktop list` needs besides.
"""

import os

from exai_desktop.__main__ import main

# Set by the freezer for the libraries inside the program. Whatever we start (a browser, the file
# manager) would load ours instead of its own. This process does not need it: it was read already.
_LIBRARIES = "LD_LIBRARY_PATH"


def _restore_environment() -> None:
    before = os.environ.pop(f"{_LIBRARIES}_ORIG", None)
    os.environ.pop(_LIBRARIES, None)
    if before is not None:
        os.environ[_LIBRARIES] = before


if __name__ == "__main__":
    _restore_environment()
    main()
