"""The page of `fluid dashboard` in a real browser, before a real broker and two real agents.

FLUID_SCREENSHOTS names a folder for the pictures of the page, which a run leaves there (docs/images
in this repository). FLUID_BROWSER_REQUIRED=1 makes a missing Chromium a failure.
"""
