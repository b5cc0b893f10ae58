"""Random base weights of a tiny LLaMA, laid out as Hugging Face does."""

import os
from typing import Any, Dict, Iterator, Tuple

import ftd

from ftd_steps import files
from ftd_steps.errors import StepError


def make(
    output_dir: str,
    vocab_size: int,
    hidden_size: int,
    intermediate_size: int,
    layers: int,
    heads: int,
    max_positions: int,
    seed: int,
) -> Dict[str, Any]:
    """Write ``hf/model.safetensors`` and ``hf/config.json`` of an untrained LLaMA.

    The same arguments give the same bytes, on every machine. The matrices
    spread by 1/sqrt(hidden_size): wider than a model that is to be trained
    from nothing, so that LoRA, which changes few of them, can learn something.
    """
    import numpy
    from safetensors.numpy import save_file

    if hidden_size % heads != 0 or (hidden_size // heads) % 2 != 0:
        raise StepError(
            f"{heads} heads cannot share a hidden size of {hidden_size} evenly",
            "choose hidden_size as an even multiple of heads",
        )
    spread = hidden_size**-0.5
    random = numpy.random.RandomState(seed)
    tensors = {}
    for name, shape in shapes(vocab_size, hidden_size, intermediate_size, layers):
        if len(shape) == 1:  # the scale of a norm begins at one
            tensors[name] = numpy.ones(shape, dtype=numpy.float32)
        else:
            tensors[name] = (random.standard_normal(shape) * spread).astype(numpy.float32)
        ftd.progress(len(tensors), layers * 9 + 3, "tensors")
    # A directory of its own: whoever reads Hugging Face weights reads all of it.
    directory = os.path.join(output_dir, "hf")
    os.makedirs(directory, exist_ok=True)
    path = os.path.join(directory, "model.safetensors")
    save_file(tensors, path + ".part", metadata={"format": "pt"})
    os.replace(path + ".part", path)
    files.write_json(
        os.path.join(directory, "config.json"),
        {
            "architectures": ["LlamaForCausalLM"],
            "model_type": "llama",
            "vocab_size": vocab_size,
            "hidden_size": hidden_size,
            "intermediate_size": intermediate_size,
            "num_hidden_layers": layers,
            "num_attention_heads": heads,
            "num_key_value_heads": heads,
            "max_position_embeddings": max_positions,
            "hidden_act": "silu",
            "rms_norm_eps": 1e-05,
            "bos_token_id": 1,
            "eos_token_id": 2,
            "tie_word_embeddings": False,
            "torch_dtype": "float32",
        },
    )
    parameters = sum(int(tensor.size) for tensor in tensors.values())
    print(f"{len(tensors)} tensors with {parameters} parameters")
    return {"dir": directory, "file": path, "tensors": len(tensors), "parameters": parameters}


def shapes(
    vocab_size: int, hidden_size: int, intermediate_size: int, layers: int
) -> Iterator[Tuple[str, Tuple[int, ...]]]:
    """Yield name and shape of each tensor, in a fixed order."""
    square = (hidden_size, hidden_size)
    yield "model.embed_tokens.weight", (vocab_size, hidden_size)
    for number in range(layers):
        layer = f"model.layers.{number}."
        for part in "qkvo":
            yield layer + f"self_attn.{part}_proj.weight", square
        yield layer + "mlp.gate_proj.weight", (intermediate_size, hidden_size)
        yield layer + "mlp.up_proj.weight", (intermediate_size, hidden_size)
        yield layer + "mlp.down_proj.weight", (hidden_size, intermediate_size)
        yield layer + "input_layernorm.weight", (hidden_size,)
        yield layer + "post_attention_layernorm.weight", (hidden_size,)
    yield "model.norm.weight", (hidden_size,)
    yield "lm_head.weight", (vocab_size, hidden_size)
