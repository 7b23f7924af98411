"""Backbones: functions that build one block of a network from Keras layers.

Owns finding a function by its name, and calling what strangers wrote: whatever goes wrong in
there leaves as an `ArchitectureError` that names the function.
"""

import hashlib
import importlib
import inspect
import re
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from trainer.architecture import BUILT_IN, DS_CNN, backbone_path
from trainer.errors import BackboneFailed, BackboneNotFound
from trainer.models.ds_cnn import ds_cnn_block
from trainer.tensorflow_setup import keras, tf

Backbone = Callable[[int], Sequence[Any]]
"""Channels that a block adds -> its Keras layers, each of them new.

Layer number i of a block reads the outputs of layer number i-1 of this block and of the narrower
ones of its slot, joined by their channels; the first reads the image, scaled to 0..1. A layer may
be a `keras.Sequential`. How many channels each yields is the function's affair; `channels` is the
measure by which a wider block should have more of them.
"""

# Whose files a message need not name.
_NOT_THEIRS = (
    "<frozen importlib",
    *(str(Path(each.__path__[0])) for each in (importlib, keras, tf)),
    str(Path(__file__).parents[1]),
)
_COLOUR = re.compile(r"\x1b\[\d*m")


def find_backbone(architecture: str) -> Backbone:
    """A built-in backbone, or the function that `package.module:function` names.

    A module in the current directory is found too. Raises `ValueError` for a string of another
    form, `BackboneNotFound`, and `BackboneFailed` for a module that raises when it is imported.
    """
    if architecture == DS_CNN:
        return ds_cnn_block
    module_name, function_name = backbone_path(architecture)
    module = _import(module_name, architecture)
    function = getattr(module, function_name, None)
    if function is None:
        raise BackboneNotFound(f"{architecture}: {module_name} has no '{function_name}'")
    if not callable(function):
        raise BackboneNotFound(
            f"{architecture}: is no function, but of type {type(function).__name__}"
        )
    backbone: Backbone = function
    return backbone


def backbone_digest(architecture: str) -> str:
    """sha256 (hex) of the file that defines a user's backbone; empty for a built-in one.

    It does not see what that file imports.
    """
    if architecture in BUILT_IN:
        return ""
    file = inspect.getsourcefile(inspect.unwrap(find_backbone(architecture)))
    return "" if file is None else hashlib.sha256(Path(file).read_bytes()).hexdigest()


def build_block(architecture: str, channels: int) -> list[Any]:
    """The layers of a new block, not yet built; raises as `find_backbone`, or `BackboneFailed`."""
    function = find_backbone(architecture)
    with blamed_on(f"{architecture}: called with {channels} channels, it"):
        layers = function(channels)
    if not isinstance(layers, Sequence) or isinstance(layers, str) or not layers:
        raise BackboneFailed(
            f"{architecture}: returned {_described(layers)}, not a list of Keras layers"
        )
    for layer in layers:
        if not isinstance(layer, keras.layers.Layer):
            raise BackboneFailed(
                f"{architecture}: {_described(layer)} in what it returned is no Keras layer"
            )
    for number, layer in enumerate(layers):
        _name(layer, f"layer_{number}")
    return list(layers)


@contextmanager
def blamed_on(culprit: str) -> Iterator[None]:
    """Turn whatever a stranger's code raises into a `BackboneFailed` of one line.

    culprit: how the line begins, such as "mynet:block: layer 2".
    """
    try:
        yield
    # Nobody knows what strangers raise. Chained, so that a debugger still shows where it was.
    except Exception as error:
        raise BackboneFailed(
            f"{culprit} raised {type(error).__name__}: {_first_line(error)}{_place(error)}"
        ) from error


def _name(layer: Any, name: str) -> None:
    """Names get into exported files, and Keras counts its own up in a process: the same training
    would give other bytes there the next time."""
    layer.name = name
    if isinstance(layer, keras.Sequential):
        for number, each in enumerate(layer.layers):
            _name(each, f"{name}_{number}")


def _import(name: str, architecture: str) -> Any:
    # A command has its own directory on the path, not the one it is called in. Where users keep
    # a network is mostly there, and modules that theirs imports later are too.
    if "" not in sys.path and str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    with blamed_on(f"{architecture}: importing {name}"):
        try:
            return importlib.import_module(name)
        except ModuleNotFoundError as error:
            if error.name is None or not f"{name}.".startswith(f"{error.name}."):
                raise  # a module that theirs imports
            missing = error.name
    raise BackboneNotFound(
        f"{architecture}: there is no module '{missing}' in {Path.cwd()} or on Python's path"
    )


def _described(value: object) -> str:
    return "an empty list" if value in ([], ()) else f"{type(value).__name__} {value!r:.60}"


def _first_line(error: Exception) -> str:
    """Of the message; what Keras writes above it says only which layer was called."""
    lines = [_COLOUR.sub("", line).strip() for line in str(error).splitlines()]
    told = [line for line in lines if line and not line.startswith("Exception encountered when")]
    return told[0] if told else "no message"


def _place(error: Exception) -> str:
    """The last line of the stranger's own that was on the way to an error, if there was one."""
    frames = traceback.extract_tb(error.__traceback__)
    theirs = [frame for frame in frames if not frame.filename.startswith(_NOT_THEIRS)]
    return f" ({Path(theirs[-1].filename).name}, line {theirs[-1].lineno})" if theirs else ""
