"""The documentation is checked as code is: its links, its commands, and what it says of the code."""
