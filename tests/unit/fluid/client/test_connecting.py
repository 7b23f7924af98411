from fluid.client.connecting import new_client_id


def test_no_client_has_the_name_of_another_or_of_an_agent() -> None:
    names = {new_client_id() for _ in range(100)}
    assert len(names) == 100
    assert all(name.startswith("fluid-client-") for name in names)
    assert not any(":" in name for name in names)
