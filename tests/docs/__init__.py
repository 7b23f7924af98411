"""The documentation is checked as code is: links, commands, what it says of the code."""
