"""Run before everything else in the frozen program: the version needs none of it."""

import sys

if sys.argv[1:] in (["--version"], ["-V"]):
    from exai_desktop import __version__

    sys.stdout.write(f"exai-desktop {__version__}\n")
    sys.exit()
