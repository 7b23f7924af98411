"""`python -m fluid`: the `fluid` command where its script is not on PATH."""

from fluid.cli import main

if __name__ == "__main__":
    main()
