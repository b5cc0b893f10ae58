"""Weights in many files, or of other types, to one safetensors file.

What a person does with ``AutoModel.from_pretrained(...).half()`` and
``torch.save``, without torch, and one piece of one tensor at a time.
"""

import os
import shutil
from typing import Any, Dict

from ftd_steps import safetensorsfile, weightset
from ftd_steps.tensor import BY_NAME


def merge(weights: str, output_dir: str, dtype: str = "float16") -> Dict[str, Any]:
    """Write ``merged/model.safetensors``, and what small files lie beside ``weights``.

    ``dtype`` is what all floating-point numbers become; empty keeps them.
    """
    tensors = weightset.read(weights)
    directory = os.path.join(output_dir, "merged")
    os.makedirs(directory, exist_ok=True)
    path = os.path.join(directory, "model.safetensors")
    types = [tensor.to(BY_NAME[dtype]) if dtype else tensor.dtype for tensor in tensors]
    size = safetensorsfile.write(
        path, [tensor.part(target) for tensor, target in zip(tensors, types)]
    )
    config = os.path.join(weights, "config.json")
    if os.path.exists(config):
        shutil.copyfile(config, os.path.join(directory, "config.json"))
    count = len({tensor.path for tensor in tensors})
    names = ", ".join(sorted({target.name for target in types}))
    print(f"{len(tensors)} tensors of {count} files in one ({size} bytes, {names})")
    return {
        "dir": directory,
        "file": path,
        "files_in": count,
        "tensors_in": len(tensors),
        "tensors": len(tensors),
        "bytes": size,
        "dtype": names,
    }
