from pathlib import Path

import pytest

from tests.unit.trainer.models import backbones
from trainer.errors import BackboneFailed, BackboneNotFound
from trainer.models.backbone import build_block, find_backbone
from trainer.models.ds_cnn import ds_cnn_block


def test_a_built_in_and_a_users_backbone_are_found() -> None:
    assert find_backbone("ds-cnn") is ds_cnn_block
    assert find_backbone(backbones.PLAIN) is backbones.plain


def test_a_module_and_what_it_imports_are_found_in_the_current_directory(
    current_directory: Path,
) -> None:
    (current_directory / "mynet.py").write_text("from parts import layers as block\n")
    (current_directory / "parts.py").write_text("def layers(channels): return [channels]\n")
    assert find_backbone("mynet:block")(3) == [3]


@pytest.mark.parametrize(
    ("architecture", "complaint"),
    [
        ("no_such_module:block", "there is no module 'no_such_module'"),
        ("no_such_package.module:block", "there is no module 'no_such_package'"),
        ("json.no_such_module:block", "there is no module 'json.no_such_module'"),
        (f"{backbones.NAME}:no_such", "has no 'no_such'"),
        (f"{backbones.NAME}:NOT_A_FUNCTION", "is no function, but of type int"),
    ],
)
def test_what_is_not_there_is_named(architecture: str, complaint: str) -> None:
    with pytest.raises(BackboneNotFound, match=complaint):
        find_backbone(architecture)


@pytest.mark.parametrize(
    ("source", "complaint"),
    [
        ("\nimport no_such_part", r"No module named 'no_such_part' \(broken.py, line 2\)"),
        ("x = 1 / 0", r"raised ZeroDivisionError: division by zero \(broken.py, line 1\)"),
        ("def block(:", "raised SyntaxError: invalid syntax"),
    ],
)
def test_a_module_that_cannot_be_imported_is_told_from_one_that_is_not_there(
    current_directory: Path, source: str, complaint: str
) -> None:
    (current_directory / "broken.py").write_text(source)
    with pytest.raises(BackboneFailed, match=f"broken:block: importing broken .*{complaint}"):
        find_backbone("broken:block")


@pytest.mark.parametrize(
    ("function", "complaint"),
    [
        ("raises", r"raised RuntimeError: no 4 channels today \(backbones.py, line \d+\)$"),
        ("refused_by_keras", r"raised ValueError: .*filters.*\(backbones.py, line \d+\)$"),
        ("returns_a_model", "returned Sequential .*, not a list of Keras layers"),
        ("returns_nothing", "returned an empty list, not a list of Keras layers"),
        ("returns_numbers", "int 4 in what it returned is no Keras layer"),
    ],
)
def test_a_function_that_builds_no_block_is_blamed_in_one_line(
    function: str, complaint: str
) -> None:
    with pytest.raises(BackboneFailed, match=complaint) as caught:
        build_block(f"{backbones.NAME}:{function}", 4)
    assert str(caught.value).startswith(f"{backbones.NAME}:{function}: ")
    assert "\n" not in str(caught.value)
