"""What a TFLite file asks of the interpreter that runs it: read from the file, without running it.

The converter leaves an operator in float where it knows no int8 form of it, and says nothing. With
layers that a user chose, that happens.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from trainer.errors import ExportError
from trainer.tensorflow_setup import tf  # noqa: F401 - its import is what quietens TensorFlow's

# isort: split
# There is no public reader of the format, other than an interpreter.
from tensorflow.lite.python import schema_py_generated as schema

# The oldest interpreter that devices have.
_OLDEST_RUNTIME = (2, 14)
_INTEGERS = {
    schema.TensorType.BOOL,
    schema.TensorType.INT8,
    schema.TensorType.INT32,
    schema.TensorType.UINT8,
}
_NAMES = {code: name for name, code in vars(schema.BuiltinOperator).items() if name.isupper()}


@dataclass(frozen=True, slots=True)
class Operator:
    """A step of a file. is_integer: none of the tensors that it reads and writes is in float."""

    name: str
    is_integer: bool


def operators(model: bytes) -> tuple[Operator, ...]:
    """A file's operators, in the order in which they run."""
    file = schema.Model.GetRootAs(model, 0)
    graph = file.Subgraphs(0)
    return tuple(
        _operator(file, graph, graph.Operators(index)) for index in range(graph.OperatorsLength())
    )


def oldest_runtime(model: bytes) -> tuple[int, ...]:
    """The first version of TensorFlow Lite that has all of a file's operators, such as (2, 9, 0).

    The converter writes it into the file.
    """
    file = schema.Model.GetRootAs(model, 0)
    entries = (file.Metadata(index) for index in range(file.MetadataLength()))
    (version,) = (
        bytes(file.Buffers(entry.Buffer()).DataAsNumpy()).rstrip(b"\0").decode()
        for entry in entries
        if entry.Name() == b"min_runtime_version"
    )
    return tuple(int(number) for number in version.split(".") if number)


def check_operators(name: str, model: bytes) -> None:
    """Raise `ExportError` unless every device runs a file, and in integers alone.

    name: the stage's.
    """
    in_float = {each.name for each in operators(model) if not each.is_integer}
    if in_float:
        raise ExportError(
            f"stage {name} is not int8 throughout: {', '.join(sorted(in_float))} would run in "
            "float; use layers that have an int8 form (see docs/architectures.md)"
        )
    if oldest_runtime(model)[:2] > _OLDEST_RUNTIME:
        raise ExportError(
            f"stage {name} needs TensorFlow Lite {'.'.join(map(str, oldest_runtime(model)))}, "
            f"devices have {'.'.join(map(str, _OLDEST_RUNTIME))}: its operators are "
            f"{', '.join(sorted({each.name for each in operators(model)}))}"
        )


def _operator(file: Any, graph: Any, operator: Any) -> Operator:
    code = file.OperatorCodes(operator.OpcodeIndex())
    # Codes above 127 do not fit into the field that old readers know.
    name = _NAMES[max(code.BuiltinCode(), code.DeprecatedBuiltinCode())]
    types = {graph.Tensors(index).Type() for index in _tensors(operator)}
    return Operator(name, is_integer=types <= _INTEGERS)


def _tensors(operator: Any) -> Iterator[int]:
    """Of those that may be left out, those that were have a negative number."""
    for index in (*operator.InputsAsNumpy(), *operator.OutputsAsNumpy()):
        if index >= 0:
            yield int(index)
