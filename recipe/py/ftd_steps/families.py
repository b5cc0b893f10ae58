"""What Hugging Face and mindformers call the tensors of a model.

A family says for each tensor of the one which tensors of the other it
becomes, and which tensors a whole model has. Where mindformers has a function
for the names that can be called without torch, it is called.
"""

import re
from typing import Any, Dict, List, Optional, Pattern

from ftd_steps import glm2layout, original
from ftd_steps.errors import DataError
from ftd_steps.tensor import BY_NAME, DType, Tensor

NAMES = ("llama", "glm", "glm2")


class Family:
    """How the tensors of one family of models are called, here and there."""

    converter = ""  # who maps the names
    model = ""  # what mindformers calls the model
    folder = ""  # where mindformers keeps it
    # Tables that old files hold, though they follow from the config.
    computed: Pattern[str] = re.compile(r".*\.rotary_emb\.inv_freq")
    place: Pattern[str]  # what the model calls its parameters
    embedding: str  # the table with a row for each token

    def tensors(self, tensor: Tensor) -> List[Tensor]:
        """Return what ``tensor`` becomes, under the names of mindformers."""
        return [tensor._replace(name=self.rename(tensor.name))]

    def rename(self, name: str) -> str:
        """Return the name that mindformers gives to a tensor."""
        raise NotImplementedError

    def dtype(self, tensor: Tensor) -> DType:
        """Return the type that a tensor has when none is asked for."""
        return tensor.dtype

    def expected(self, layers: int) -> List[str]:
        """Return the names without which a model of so many layers is not whole."""
        raise NotImplementedError

    def optional(self, config: Dict[str, Any]) -> List[str]:
        """Return which of those may be missing, by the model's config.json."""
        return []


class Llama(Family):
    """LLaMA, whose names ``name_replace`` of mindformers maps."""

    converter = "mindformers.models.llama.convert_weight.name_replace"
    model = "LLaMA"
    folder = "llama"
    embedding = "model.tok_embeddings.embedding_weight"
    place = re.compile(
        r"lm_head\.weight|model\.(tok_embeddings\.embedding_weight|norm_out\.weight|layers\.\d+\."
        r"(attention\.w[qkvo]\.(weight|bias)|feed_forward\.w[123]\.weight"
        r"|(attention|ffn)_norm\.weight))"
    )

    def __init__(self, checkout: str, config: Dict[str, Any]) -> None:
        module = original.load(self.folder, checkout)
        self.rename = module.name_replace  # type: ignore[method-assign]
        self.config = config
        # Versions up to 0.6 rotate neighbours, later ones the halves of a head;
        # those have a function that brings an old checkpoint to the new order.
        self.neighbours = not hasattr(module, "convert_to_new_ckpt") and hasattr(
            module, "convert_hf_ckpt"
        )

    def tensors(self, tensor: Tensor) -> List[Tensor]:
        new = tensor._replace(name=self.rename(tensor.name))
        if not self.neighbours or not new.name.endswith((".wq.weight", ".wk.weight")):
            return [new]
        try:
            head = int(self.config["hidden_size"]) // int(self.config["num_attention_heads"])
        except KeyError as missing:
            raise DataError(
                f"this version of mindformers orders {new.name} by its heads, but config.json "
                f"has no {missing}",
                "give the directory of the weights with its config.json",
            ) from None
        return [new._replace(turned=(2, head // 2))]

    def expected(self, layers: int) -> List[str]:
        parts = [f"attention.w{part}.weight" for part in "qkvo"]
        parts += [f"feed_forward.w{part}.weight" for part in (1, 2, 3)]
        parts += ["attention_norm.weight", "ffn_norm.weight"]
        return [
            self.embedding,
            "model.norm_out.weight",
            "lm_head.weight",
            *(f"model.layers.{layer}.{part}" for layer in range(layers) for part in parts),
        ]

    def optional(self, config: Dict[str, Any]) -> List[str]:
        return ["lm_head.weight"] if config.get("tie_word_embeddings", False) else []


class Glm(Family):
    """ChatGLM-6B; the converter of mindformers up to 1.0 needs torch for the same names."""

    converter = "ftd_steps.families.Glm"
    model = "ChatGLM"
    folder = "glm"
    embedding = "transformer.word_embeddings.embedding_table"
    place = re.compile(
        r"lm_head\.weight|transformer\.(word_embeddings\.embedding_table"
        r"|final_layernorm\.(gamma|beta)|layers\.\d+\."
        r"((input|post_attention)_layernorm\.(gamma|beta)"
        r"|(attention\.(query_key_value|dense)|mlp\.dense_(h_to_4h|4h_to_h))\.(weight|bias)))"
    )

    def rename(self, name: str) -> str:
        owner, _, part = name.rpartition(".")
        if owner.endswith("word_embeddings"):
            return owner + ".embedding_table"
        if owner.endswith("layernorm"):
            return owner + "." + {"weight": "gamma", "bias": "beta"}.get(part, part)
        return name

    def dtype(self, tensor: Tensor) -> DType:
        # The original halves these even where the others are not.
        return BY_NAME["float16"] if ".input_layernorm." in tensor.name else tensor.dtype

    def expected(self, layers: int) -> List[str]:
        parts = [f"{owner}_layernorm.{p}" for owner in ("input", "post_attention") for p in GAMMA]
        linear = ["attention.query_key_value", "attention.dense"]
        linear += ["mlp.dense_h_to_4h", "mlp.dense_4h_to_h"]
        parts += [f"{owner}.{part}" for owner in linear for part in ("weight", "bias")]
        return [
            self.embedding,
            *(f"transformer.layers.{layer}.{part}" for layer in range(layers) for part in parts),
            *(f"transformer.final_layernorm.{part}" for part in GAMMA),
            "lm_head.weight",
        ]


GAMMA = ("gamma", "beta")


class Glm2(Family):
    """ChatGLM2 and its successors of the same build."""

    converter = "ftd_steps.families.Glm2"
    model = "ChatGLM2"
    folder = "glm2"
    computed = re.compile(r"transformer\.rotary_pos_emb\.inv_freq")
    place = re.compile(
        r"transformer\.(embedding\.embedding_(weight|table)|output_layer\.weight|encoder\."
        r"(final_layernorm\.weight|layers\.\d+\.((input|post_attention)_layernorm\.weight"
        r"|self_attention\.((query_key_value|wq|wk|wv)\.(weight|bias)|dense\.weight)"
        r"|mlp\.dense_(h_to_4h|left|right|4h_to_h)\.weight)))"
    )

    def __init__(self, layout: glm2layout.Layout) -> None:
        self.layout = layout
        self.embedding = "transformer.embedding." + layout.embedding

    def tensors(self, tensor: Tensor) -> List[Tensor]:
        return [part._replace(name=self.rename(part.name)) for part in self.layout.split(tensor)]

    def rename(self, name: str) -> str:
        return name.replace("word_embeddings.weight", self.layout.embedding)

    def expected(self, layers: int) -> List[str]:
        parts = ["input_layernorm.weight", "post_attention_layernorm.weight"]
        parts += [f"self_attention.{name}.weight" for name in self.layout.attention]
        if self.layout.bias:
            parts += [f"self_attention.{name}.bias" for name in self.layout.attention]
        parts += ["self_attention.dense.weight", "mlp.dense_4h_to_h.weight"]
        parts += [f"mlp.{name}.weight" for name in self.layout.feed_forward]
        encoder = "transformer.encoder."
        return [
            self.embedding,
            *(f"{encoder}layers.{layer}.{part}" for layer in range(layers) for part in parts),
            encoder + "final_layernorm.weight",
            "transformer.output_layer.weight",
        ]


def told(config: Dict[str, Any]) -> Optional[str]:
    """Return the family that a config.json is of; None if it does not tell."""
    kind = config.get("model_type")
    if kind == "chatglm":
        return "glm2" if "ffn_hidden_size" in config else "glm"
    return kind if kind is None else str(kind)


def choose(
    name: str, config: Dict[str, Any], weights: str, model_yaml: str = "", checkout: str = ""
) -> Family:
    """Return the family ``name``, or the one that config.json tells."""
    by_config = told(config)
    if name and by_config and name != by_config:
        raise DataError(
            f"{weights} has a config.json of the model type {config.get('model_type')!r}, "
            f"which is no {name}",
            f"leave family out, or give the directory of a model of the family {name}",
        )
    name = name or by_config or "llama"
    if name == "llama":
        return Llama(checkout, config)
    if name == "glm":
        return Glm()
    if name == "glm2":
        return Glm2(glm2layout.read(model_yaml))
    raise DataError(
        f"{weights} has a config.json of the model type {name!r}, which ftd does not convert",
        "give the weights of one of these: " + ", ".join(NAMES),
    )
