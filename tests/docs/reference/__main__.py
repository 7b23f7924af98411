"""`scripts/protocol-reference`: write the page anew."""

from tests.docs.reference import PAGE, reference

if __name__ == "__main__":
    PAGE.write_text(reference(), encoding="utf-8")
