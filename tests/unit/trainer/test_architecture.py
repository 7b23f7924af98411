import pytest

from trainer.architecture import (
    BUILT_IN,
    CNN,
    DS_CNN,
    backbone_path,
    check_architecture,
    short_name,
)
from trainer.topology import Family, Topology


def test_a_users_function_is_named_by_its_module() -> None:
    assert backbone_path("my.networks:block") == ("my.networks", "block")


@pytest.mark.parametrize("text", ["", "mynet", "mynet:", ":block", "my net:block", "a:b:c", "a.:b"])
def test_anything_else_names_no_architecture(text: str) -> None:
    with pytest.raises(ValueError, match=r"is no package\.module:function"):
        check_architecture(text, Topology.of(2))


def test_a_bundle_is_named_after_the_function() -> None:
    names = [short_name(each) for each in (*BUILT_IN, "my.networks:block")]
    assert names == ["cnn", "ds-cnn", "block"]


@pytest.mark.parametrize("family", [Family.STATIC, Family.DYNAMIC])
def test_only_cnn_is_cut_between_slots_that_read_each_other(family: Family) -> None:
    topology = Topology.of(2, family=family)
    check_architecture(CNN, topology)
    for architecture in (DS_CNN, "mynet:block"):
        with pytest.raises(ValueError, match=f"with {architecture}, choose family fluid"):
            check_architecture(architecture, topology)
        check_architecture(architecture, Topology.of(2))
        check_architecture(architecture, Topology.of(1, family=family))
