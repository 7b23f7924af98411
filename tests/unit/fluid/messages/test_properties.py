from fluid.messages import LOGITS_PROPERTY, PROBABILITIES_PROPERTY, UNIQUE_PROPERTY


def test_the_properties_are_written_as_the_protocol_says() -> None:
    assert PROBABILITIES_PROPERTY == ("probabilities", "true")
    assert LOGITS_PROPERTY == ("logits", "true")
    assert UNIQUE_PROPERTY == ("fluid-unique", "1")
