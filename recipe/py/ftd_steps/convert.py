"""Hugging Face LLaMA weights to a MindSpore checkpoint.

The names are mapped by mindformers' own converter. Its ``convert_pt_to_ms``
loads the weights through torch; its ``name_replace`` needs no torch and is
what this step calls. Tensors are read from safetensors without torch, one
after the other, and written by ``mindspore.save_checkpoint``.
"""

import json
import os
import re
from typing import Any, Dict, Iterator, List, Tuple

import ftd

from ftd_steps.errors import DataError, StepError

CONVERTER = "mindformers.models.llama.convert_weight.name_replace"

# What mindformers' LlamaForCausalLM calls its parameters.
PARAMETER = re.compile(
    r"lm_head\.weight|model\.(tok_embeddings\.embedding_weight|norm_out\.weight|layers\.\d+\."
    r"(attention\.w[qkvo]\.(weight|bias)|feed_forward\.w[123]\.weight|(attention|ffn)_norm\.weight))"
)
# Tables that old checkpoints hold, though they follow from the config.
COMPUTED = re.compile(r".*\.rotary_emb\.inv_freq")


def convert(weights: str, output_dir: str, dtype: str = "") -> Dict[str, Any]:
    """Convert the safetensors in the directory ``weights`` to ``base.ckpt``.

    ``dtype`` is "float32", "float16" or empty, which keeps each tensor's own.
    Every tensor is accounted for: one without a place in the model, or a
    place without a tensor, is an error that names it.
    """
    config = read_config(weights)
    print("names are mapped by " + CONVERTER)
    import mindspore
    from mindformers.models.llama.convert_weight import name_replace

    names = list(tensor_names(weights))
    computed = [name for name, _ in names if COMPUTED.fullmatch(name)]
    mapped = {name: name_replace(name) for name, _ in names if not COMPUTED.fullmatch(name)}
    account(mapped, expected(config), weights)

    parameters = []
    size = 0
    for done, (name, file) in enumerate(names, start=1):
        if name in mapped:
            value = read(file, name)
            if dtype:
                value = value.astype(dtype)
            size += value.nbytes
            parameters.append({"name": mapped[name], "data": mindspore.Tensor(value)})
        ftd.progress(done, len(names), "tensors")
    path = os.path.join(output_dir, "base.ckpt")
    # save_checkpoint puts its own ending where it misses it, and writes in
    # place on MindSpore up to 2.3.
    temporary = os.path.join(output_dir, "part.ckpt")
    mindspore.save_checkpoint(parameters, temporary)
    os.replace(temporary, path)
    dtypes = sorted({str(parameter["data"].dtype) for parameter in parameters})
    print(
        f"{len(names)} tensors in, {len(parameters)} out ({size} bytes, {', '.join(dtypes)}), "
        f"{len(computed)} computed ones left out, none unmapped"
    )
    return {
        "file": path,
        "converter": CONVERTER,
        "tensors_in": len(names),
        "tensors_out": len(parameters),
        "left_out": len(computed),
        "unmapped": 0,
        "bytes": size,
        "dtype": ", ".join(dtypes),
    }


def read_config(weights: str) -> Dict[str, Any]:
    """Return ``config.json``, after a look whether it is a LLaMA's."""
    path = os.path.join(weights, "config.json")
    try:
        with open(path, encoding="utf-8") as file:
            config = json.load(file)
    except (OSError, ValueError) as error:
        raise DataError(
            f"{path} cannot be read: {error}", "give the directory of a Hugging Face LLaMA"
        ) from None
    if config.get("model_type") != "llama":
        raise DataError(
            f"{path} says model_type {config.get('model_type')!r}",
            "give the directory of a Hugging Face LLaMA",
        )
    return config


def expected(config: Dict[str, Any]) -> List[str]:
    """Return the parameters without which the model is not complete."""
    names = ["model.tok_embeddings.embedding_weight", "model.norm_out.weight"]
    if not config.get("tie_word_embeddings", False):
        names.append("lm_head.weight")
    parts = [f"attention.w{part}.weight" for part in "qkvo"]
    parts += [f"feed_forward.w{part}.weight" for part in (1, 2, 3)]
    parts += ["attention_norm.weight", "ffn_norm.weight"]
    for layer in range(config["num_hidden_layers"]):
        names += [f"model.layers.{layer}.{part}" for part in parts]
    return names


def account(mapped: Dict[str, str], needed: List[str], weights: str) -> None:
    """Raise unless each tensor has its own place, and each place its tensor."""
    unmapped = sorted(old for old, new in mapped.items() if not PARAMETER.fullmatch(new))
    if unmapped:
        raise DataError(
            f"{len(unmapped)} tensors of {weights} have no place in mindformers' LLaMA: "
            + listing(unmapped),
            "check that these are the weights of a LLaMA",
        )
    missing = sorted(set(needed) - set(mapped.values()))
    if missing:
        raise DataError(
            f"{weights} lacks {len(missing)} tensors that the model needs: {listing(missing)}",
            "check that all files of the weights are there",
        )
    if len(set(mapped.values())) != len(mapped):
        raise StepError(
            f"{CONVERTER} maps two tensors to one name", "use another version of mindformers"
        )


def listing(names: List[str]) -> str:
    """Return the first few names, and how many more there are."""
    more = len(names) - 8
    return ", ".join(names[:8]) + (f" and {more} more" if more > 0 else "")


def tensor_names(weights: str) -> Iterator[Tuple[str, str]]:
    """Yield each tensor's name with the file that holds it."""
    from safetensors import safe_open

    paths = sorted(name for name in os.listdir(weights) if name.endswith(".safetensors"))
    if not paths:
        raise DataError(
            f"{weights} holds no .safetensors file", "give the directory of a Hugging Face LLaMA"
        )
    for name in paths:
        path = os.path.join(weights, name)
        try:
            with safe_open(path, framework="numpy") as file:
                keys = list(file.keys())
        except Exception as error:
            raise DataError(f"{path} cannot be read: {error}", "fetch the file again") from None
        for key in keys:
            yield key, path


def read(path: str, name: str) -> Any:
    """Return one tensor as a numpy array."""
    from safetensors import safe_open

    with safe_open(path, framework="numpy") as file:
        try:
            return file.get_tensor(name)
        except TypeError as error:  # numpy has no bfloat16
            raise DataError(
                f"the tensor {name} of {path} cannot be read by numpy: {error}",
                "convert the weights to float16 or float32",
            ) from None
