"""Random base weights of a tiny model, laid out as Hugging Face does."""

import os
from typing import Any, Dict, Iterator, List, NamedTuple, Tuple

from ftd_steps import files, safetensorsfile
from ftd_steps.errors import StepError
from ftd_steps.tensor import BY_NAME, Part

Shape = Tuple[int, ...]


class Sizes(NamedTuple):
    """How large a model is."""

    vocab_size: int
    hidden_size: int
    intermediate_size: int
    layers: int
    heads: int
    max_positions: int

    @property
    def head(self) -> int:
        """The width of one attention head."""
        return self.hidden_size // self.heads


def make(
    output_dir: str,
    vocab_size: int,
    hidden_size: int,
    intermediate_size: int,
    layers: int,
    heads: int,
    max_positions: int,
    seed: int,
    family: str = "llama",
) -> Dict[str, Any]:
    """Write ``hf/model.safetensors`` and ``hf/config.json`` of an untrained model.

    The same arguments give the same bytes, on every machine. The matrices
    spread by 1/sqrt(hidden_size): wider than a model that is to be trained
    from nothing, so that LoRA, which changes few of them, can learn something.
    """
    sizes = Sizes(vocab_size, hidden_size, intermediate_size, layers, heads, max_positions)
    if hidden_size % heads != 0 or sizes.head % 2 != 0:
        raise StepError(
            f"{heads} heads cannot share a hidden size of {hidden_size} evenly",
            "choose hidden_size as an even multiple of heads",
        )
    shapes, config = FAMILIES[family]
    # A directory of its own: whoever reads Hugging Face weights reads all of it.
    directory = os.path.join(output_dir, "hf")
    os.makedirs(directory, exist_ok=True)
    path = os.path.join(directory, "model.safetensors")
    parts = random_parts(list(shapes(sizes)), sizes, seed, config(sizes)["torch_dtype"])
    safetensorsfile.write(path, parts)
    files.write_json(os.path.join(directory, "config.json"), config(sizes))
    size = BY_NAME[config(sizes)["torch_dtype"]].size
    parameters = sum(part.nbytes // size for part in parts)
    print(f"{len(parts)} tensors with {parameters} parameters")
    return {"dir": directory, "file": path, "tensors": len(parts), "parameters": parameters}


def random_parts(
    shapes: List[Tuple[str, Shape]], sizes: Sizes, seed: int, dtype: str
) -> List[Part]:
    """Return tensors whose numbers are drawn when they are written, in this order."""
    import numpy

    random = numpy.random.RandomState(seed)
    target = BY_NAME[dtype]

    def numbers(name: str, shape: Shape) -> Iterator[Any]:
        if name.endswith("inv_freq"):
            values = 10000.0 ** -(numpy.arange(shape[0]) / shape[0])
        elif name.endswith(".bias"):
            values = numpy.zeros(shape)
        elif len(shape) == 1:  # the scale of a norm begins at one
            values = numpy.ones(shape)
        else:
            values = random.standard_normal(shape) * sizes.hidden_size**-0.5
        yield values.astype(target.numpy).reshape(-1)

    return [Part(name, target, shape, numbers(name, shape)) for name, shape in shapes]


def llama_shapes(sizes: Sizes) -> Iterator[Tuple[str, Shape]]:
    """Yield name and shape of each tensor of a LLaMA, in a fixed order."""
    hidden, inner = sizes.hidden_size, sizes.intermediate_size
    yield "model.embed_tokens.weight", (sizes.vocab_size, hidden)
    for number in range(sizes.layers):
        layer = f"model.layers.{number}."
        for part in "qkvo":
            yield layer + f"self_attn.{part}_proj.weight", (hidden, hidden)
        yield layer + "mlp.gate_proj.weight", (inner, hidden)
        yield layer + "mlp.up_proj.weight", (inner, hidden)
        yield layer + "mlp.down_proj.weight", (hidden, inner)
        yield layer + "input_layernorm.weight", (hidden,)
        yield layer + "post_attention_layernorm.weight", (hidden,)
    yield "model.norm.weight", (hidden,)
    yield "lm_head.weight", (sizes.vocab_size, hidden)


def llama_config(sizes: Sizes) -> Dict[str, Any]:
    """Return the config.json of a LLaMA."""
    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "vocab_size": sizes.vocab_size,
        "hidden_size": sizes.hidden_size,
        "intermediate_size": sizes.intermediate_size,
        "num_hidden_layers": sizes.layers,
        "num_attention_heads": sizes.heads,
        "num_key_value_heads": sizes.heads,
        "max_position_embeddings": sizes.max_positions,
        "hidden_act": "silu",
        "rms_norm_eps": 1e-05,
        "bos_token_id": 1,
        "eos_token_id": 2,
        "tie_word_embeddings": False,
        "torch_dtype": "float32",
    }


def linear(name: str, out: int, into: int) -> Iterator[Tuple[str, Shape]]:
    """Yield weight and bias of a linear layer."""
    yield name + ".weight", (out, into)
    yield name + ".bias", (out,)


def norm(name: str, hidden: int) -> Iterator[Tuple[str, Shape]]:
    """Yield scale and shift of a layer norm."""
    yield name + ".weight", (hidden,)
    yield name + ".bias", (hidden,)


def glm_shapes(sizes: Sizes) -> Iterator[Tuple[str, Shape]]:
    """Yield name and shape of each tensor of a ChatGLM, in a fixed order."""
    hidden, inner = sizes.hidden_size, sizes.intermediate_size
    yield "transformer.word_embeddings.weight", (sizes.vocab_size, hidden)
    for number in range(sizes.layers):
        layer = f"transformer.layers.{number}."
        yield from norm(layer + "input_layernorm", hidden)
        # Positions have two dimensions, which share a head.
        yield layer + "attention.rotary_emb.inv_freq", (sizes.head // 4,)
        yield from linear(layer + "attention.query_key_value", 3 * hidden, hidden)
        yield from linear(layer + "attention.dense", hidden, hidden)
        yield from norm(layer + "post_attention_layernorm", hidden)
        yield from linear(layer + "mlp.dense_h_to_4h", inner, hidden)
        yield from linear(layer + "mlp.dense_4h_to_h", hidden, inner)
    yield from norm("transformer.final_layernorm", hidden)
    yield "lm_head.weight", (sizes.vocab_size, hidden)


def glm_config(sizes: Sizes) -> Dict[str, Any]:
    """Return the config.json of a ChatGLM."""
    return {
        "architectures": ["ChatGLMModel"],
        "model_type": "chatglm",
        "vocab_size": sizes.vocab_size,
        "hidden_size": sizes.hidden_size,
        "inner_hidden_size": sizes.intermediate_size,
        "num_layers": sizes.layers,
        "num_attention_heads": sizes.heads,
        "max_sequence_length": sizes.max_positions,
        "layernorm_epsilon": 1e-05,
        "position_encoding_2d": True,
        "torch_dtype": "float16",
    }


GROUPS = 2  # how many keys and values the heads of a ChatGLM2 share


def glm2_shapes(sizes: Sizes) -> Iterator[Tuple[str, Shape]]:
    """Yield name and shape of each tensor of a ChatGLM2, in a fixed order."""
    hidden, inner = sizes.hidden_size, sizes.intermediate_size
    yield "transformer.embedding.word_embeddings.weight", (sizes.vocab_size, hidden)
    yield "transformer.rotary_pos_emb.inv_freq", (sizes.head // 4,)
    for number in range(sizes.layers):
        layer = f"transformer.encoder.layers.{number}."
        yield layer + "input_layernorm.weight", (hidden,)
        shared = hidden + 2 * GROUPS * sizes.head
        yield from linear(layer + "self_attention.query_key_value", shared, hidden)
        yield layer + "self_attention.dense.weight", (hidden, hidden)
        yield layer + "post_attention_layernorm.weight", (hidden,)
        yield layer + "mlp.dense_h_to_4h.weight", (2 * inner, hidden)
        yield layer + "mlp.dense_4h_to_h.weight", (hidden, inner)
    yield "transformer.encoder.final_layernorm.weight", (hidden,)
    yield "transformer.output_layer.weight", (sizes.vocab_size, hidden)


def glm2_config(sizes: Sizes) -> Dict[str, Any]:
    """Return the config.json of a ChatGLM2."""
    return {
        "architectures": ["ChatGLMModel"],
        "model_type": "chatglm",
        "padded_vocab_size": sizes.vocab_size,
        "hidden_size": sizes.hidden_size,
        "ffn_hidden_size": sizes.intermediate_size,
        "num_layers": sizes.layers,
        "num_attention_heads": sizes.heads,
        "kv_channels": sizes.head,
        "multi_query_attention": True,
        "multi_query_group_num": GROUPS,
        "add_qkv_bias": True,
        "add_bias_linear": False,
        "seq_length": sizes.max_positions,
        "torch_dtype": "float16",
    }


FAMILIES = {
    "llama": (llama_shapes, llama_config),
    "glm": (glm_shapes, glm_config),
    "glm2": (glm2_shapes, glm2_config),
}
