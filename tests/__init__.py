"""All tests meet the classes of the program as its start makes them: see `late_methods`."""

from exai_desktop import late_methods

# Before anything else of the program is loaded, as in `__main__`.
late_methods.install()
