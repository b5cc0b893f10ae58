"""The whole converter of mindformers, called as it is.

It needs torch, and for most families transformers; it holds the model in
memory about four times.
"""

import contextlib
import importlib
import importlib.util
import os
import sys
from types import ModuleType
from typing import Any, Iterator, List

from ftd_steps import checkout as checkouts
from ftd_steps.errors import DataError, StepError
from ftd_steps.tensor import Tensor

REMEDY = "look at the step's log; or convert with by: ftd, which needs no torch"


def convert(
    folder: str,
    weights: str,
    tensors: List[Tensor],
    path: str,
    dtype: str,
    checkout: str,
    config: str,
) -> str:
    """Let mindformers write ``path``; return which function did it.

    ``folder`` is that of the model below ``mindformers/models``. ``checkout``
    is empty for the installed mindformers. An empty ``dtype`` is what the
    converter itself takes for a default.
    """
    module = load(folder, checkout)
    function = next(
        (name for name in ("convert_hf_ckpt", "convert_pt_to_ms") if hasattr(module, name)), None
    )
    if function is None:
        raise StepError(
            f"{module.__file__} has no function that converts weights of the Hugging Face kind",
            "convert with by: ftd",
        )
    call = getattr(module, function)
    name = f"{module.__name__}.{function}" if not checkout else f"{module.__file__}:{function}"
    print(f"weights are converted by {name}")
    # MindSpore up to 2.3 writes in place: what is unfinished is told by its name.
    temporary = os.path.join(os.path.dirname(path), "part.ckpt")
    options = _options(module, folder, dtype, config)
    if folder == "glm":
        with merged(tensors, os.path.dirname(path)) as state:
            checkouts.call(name, REMEDY, call, state, temporary, **options)
    else:
        checkouts.call(name, REMEDY, call, weights, temporary, **options)
    if not os.path.exists(temporary):
        raise StepError(f"{name} wrote no file", "look at what it printed in the step's log")
    os.replace(temporary, path)
    return name


def possible(folder: str) -> bool:
    """Whether what the converter of a model needs is installed; says what is not."""
    needs = ["torch"] if folder == "glm" else ["torch", "transformers"]
    missing = [name for name in needs if importlib.util.find_spec(name) is None]
    if missing:
        print(f"mindformers' own converter needs {' and '.join(missing)}: ftd converts instead")
    return not missing


def load(folder: str, checkout: str = "") -> ModuleType:
    """Import the converter, MindSpore first: torch breaks it when it came before.

    That of a checkout is loaded from its file, as a person runs it: not all
    that the rest of the checkout needs has to be installed.
    """
    if "torch" in sys.modules and "mindspore" not in sys.modules:
        raise StepError(
            "torch was imported before MindSpore in this interpreter, which then computes nothing",
            "give the step isolation: worker",
        )
    import mindspore  # noqa: F401

    name = f"mindformers.models.{folder}.convert_weight"
    path = os.path.join(checkout, *name.split(".")) + ".py"
    try:
        if not checkout:
            return importlib.import_module(name)
        return checkouts.load(path)
    except FileNotFoundError:
        raise _unknown(path) from None
    except ModuleNotFoundError as error:
        raise (
            _unknown(name) if name.startswith(str(error.name)) else _lacking(name, error)
        ) from None
    except ImportError as error:
        raise _lacking(name, error) from None


def _unknown(name: str) -> StepError:
    return StepError(
        f"this mindformers has no converter {name}",
        "use a version that has it, or convert with by: ftd",
    )


def _lacking(name: str, error: ImportError) -> StepError:
    return StepError(
        f"{name} cannot be imported: {error}",
        "install what it needs (torch, transformers), or convert with by: ftd",
    )


def _options(module: ModuleType, folder: str, dtype: str, config: str) -> Any:
    import mindspore

    options = {}
    if folder == "glm":
        if dtype:
            raise DataError(
                "the ChatGLM converter of mindformers keeps the types of the weights",
                "leave dtype out and merge with that dtype before, or convert with by: ftd",
            )
    elif dtype:
        options["dtype"] = getattr(mindspore, dtype)
    if folder == "glm2":
        options["config"] = config
    return options


@contextlib.contextmanager
def merged(tensors: List[Tensor], directory: str) -> Iterator[str]:
    """Yield the path of one file that torch loads, with all tensors in it."""
    import numpy
    import torch

    state = {}
    for tensor in tensors:
        numbers = numpy.concatenate(list(tensor.raw()))
        if tensor.dtype.name == "bfloat16":
            value = torch.from_numpy(numbers.view(numpy.int16)).view(torch.bfloat16)
        else:
            value = torch.from_numpy(numbers)
        state[tensor.name] = value.reshape(tensor.shape)
    path = os.path.join(directory, "part.pth")
    try:
        torch.save(state, path)
        del state
        yield path
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.remove(path)
