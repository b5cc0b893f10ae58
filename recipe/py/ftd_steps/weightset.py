"""All tensors of a model, whether they lie in one file or in many."""

import json
import os
import re
from typing import Any, Dict, List

from ftd_steps import safetensorsfile, torchfile, wrongfile
from ftd_steps.errors import DataError
from ftd_steps.tensor import Tensor

INDEXES = ("model.safetensors.index.json", "pytorch_model.bin.index.json")
SHARD = re.compile(r"(.*)-(\d{5})-of-(\d{5})(\.\w+)")
# What lies beside weights and is read by torch too, but is none.
OTHERS = re.compile(r"(training_args|optimizer|scheduler|rng_state).*")
TORCH = (".bin", ".pth", ".pt")


def read(weights: str) -> List[Tensor]:
    """Return the tensors of a file, or of a directory as Hugging Face lays it out.

    An index names the files; without one they are found by their names. Each
    file must be there, must be weights and must not be cut off.
    """
    if os.path.isdir(weights):
        for name in INDEXES:
            index = os.path.join(weights, name)
            if os.path.exists(index):
                return _indexed(weights, index)
        paths = _found(weights)
    else:
        paths = [weights]
    tensors: List[Tensor] = []
    for path in paths:
        tensors += read_file(path)
    _no_twins(tensors)
    return tensors


def read_file(path: str) -> List[Tensor]:
    """Return the tensors of one file; its name tells the format."""
    if not os.path.exists(path):
        raise DataError(f"there is no file {path}", "check the path, or fetch the file")
    if path.endswith(".safetensors"):
        return safetensorsfile.read(path)
    if path.endswith(TORCH):
        return torchfile.read(path)
    raise wrongfile.diagnose(path) or DataError(
        f"{path} is not a file of weights, by its name", "give .safetensors, .bin or .pth"
    )


def read_config(weights: str) -> Dict[str, Any]:
    """Return ``config.json`` beside the weights; empty if there is none."""
    directory = weights if os.path.isdir(weights) else os.path.dirname(weights)
    path = os.path.join(directory, "config.json")
    if not os.path.exists(path):
        return {}
    return _json(path)


def _json(path: str) -> Dict[str, Any]:
    wrongfile.check(path)
    try:
        with open(path, encoding="utf-8") as file:
            value = json.load(file)
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read: {error}", "fetch the file again") from None
    if not isinstance(value, dict):
        raise DataError(f"{path} holds no JSON object", "fetch the file again")
    return value


def _indexed(weights: str, index: str) -> List[Tensor]:
    places = _json(index).get("weight_map")
    if not isinstance(places, dict) or not places:
        raise DataError(f"{index} names no weights: it has no weight_map", "fetch the file again")
    names = sorted(set(places.values()))
    missing = [name for name in names if not os.path.exists(os.path.join(weights, name))]
    if missing:
        raise DataError(
            f"{weights} lacks {len(missing)} of the {len(names)} files that "
            f"{os.path.basename(index)} names: {listing(missing)}",
            "fetch the files that are missing into the same directory",
        )
    tensors = [tensor for name in names for tensor in read_file(os.path.join(weights, name))]
    _no_twins(tensors)
    lost = sorted(set(places) - {tensor.name for tensor in tensors})
    if lost:
        raise DataError(
            f"{len(lost)} tensors are not in the files where {index} says they are: "
            + listing(lost),
            "fetch index and weights again, of the same version",
        )
    return tensors


def _found(weights: str) -> List[str]:
    names = sorted(os.listdir(weights))
    for suffixes in ((".safetensors",), TORCH):
        files = [name for name in names if name.endswith(suffixes) and not OTHERS.match(name)]
        for name in files:
            _whole_row(weights, name, names)
        if files:
            return [os.path.join(weights, name) for name in files]
    raise DataError(
        f"{weights} holds no weights: no .safetensors, .bin or .pth",
        "give the directory of a Hugging Face model, with its weights",
    )


def _whole_row(weights: str, name: str, names: List[str]) -> None:
    """Raise when ``name`` counts shards of which some are missing."""
    counted = SHARD.fullmatch(name)
    if not counted:
        return
    stem, _, total, suffix = counted.groups()
    wanted = [f"{stem}-{number:05}-of-{total}{suffix}" for number in range(1, int(total) + 1)]
    if stem and wanted[0] not in names and f"{stem}-00000-of-{total}{suffix}" in names:
        wanted = [f"{stem}-{number:05}-of-{total}{suffix}" for number in range(int(total))]
    missing = sorted(set(wanted) - set(names))
    if missing:
        raise DataError(
            f"{weights} lacks {len(missing)} of {int(total)} files of the weights: "
            + listing(missing),
            "fetch the files that are missing into the same directory",
        )


def _no_twins(tensors: List[Tensor]) -> None:
    places: Dict[str, str] = {}
    for tensor in tensors:
        if tensor.name in places:
            raise DataError(
                f"the tensor {tensor.name} is in {places[tensor.name]} and in {tensor.path}",
                "leave the weights of one model only in the directory",
            )
        places[tensor.name] = tensor.path


def listing(names: List[str]) -> str:
    """Return the first few names, and how many more there are."""
    more = len(names) - 8
    return ", ".join(names[:8]) + (f" and {more} more" if more > 0 else "")
