"""How the YAML of a ChatGLM2 lays out its attention and feed-forward parts.

mindformers 1.6 can hold queries, keys and values in one tensor or in three,
and both halves of the feed-forward part in one or two; its YAML says which.
Version 0.8 has one way only, and its own name for the embedding.
"""

from typing import List, NamedTuple, Tuple

from ftd_steps.errors import DataError
from ftd_steps.tensor import Tensor


class Layout(NamedTuple):
    """What the weights of a ChatGLM2 are cut into."""

    embedding: str = "embedding_weight"
    attention: Tuple[str, ...] = ("query_key_value",)
    feed_forward: Tuple[str, ...] = ("dense_h_to_4h",)
    bias: bool = True
    query: int = 0  # rows that are queries
    key: int = 0  # rows that are keys, and as many that are values
    half: int = 0  # rows of one half of the feed-forward part
    head: int = 0  # rows of a head, where their order changes; else 0

    def split(self, tensor: Tensor) -> List[Tensor]:
        """Return the tensors that ``tensor`` becomes."""
        if ".self_attention.query_key_value." in tensor.name:
            if self.attention == ("query_key_value",):
                return [tensor]
            ends = [self.query, self.query + self.key, self.query + 2 * self.key]
            parts = self._cut(tensor, "query_key_value", self.attention, ends)
            if self.head:
                evens_first = (self.head // 2, 2)
                parts[:2] = [part._replace(turned=evens_first) for part in parts[:2]]
            return parts
        if ".mlp.dense_h_to_4h." in tensor.name and len(self.feed_forward) == 2:
            ends = [self.half, 2 * self.half]
            return self._cut(tensor, "dense_h_to_4h", self.feed_forward, ends)
        return [tensor]

    def _cut(
        self, tensor: Tensor, whole: str, names: Tuple[str, ...], ends: List[int]
    ) -> List[Tensor]:
        if tensor.shape[0] != ends[-1]:
            raise DataError(
                f"{tensor.name} has {tensor.shape[0]} rows, but by the YAML it has {ends[-1]}",
                "give the YAML that belongs to these weights (config:)",
            )
        begins = [0, *ends[:-1]]
        return [
            tensor.rows(begin, end)._replace(name=tensor.name.replace(whole, name))
            for name, begin, end in zip(names, begins, ends)
        ]


def read(model_yaml: str) -> Layout:
    """Return the layout by the installed mindformers, and by its YAML if it has a choice."""
    import mindformers

    if not getattr(mindformers, "__version__", "0.8.0").startswith("1."):
        return Layout(embedding="embedding_table")
    if not model_yaml:
        raise DataError(
            f"the weights of a ChatGLM2 can be laid out in several ways in mindformers "
            f"{mindformers.__version__}",
            "name the YAML of the training that is to read them, with config:",
        )
    from mindformers.models.glm2.glm2_config import ChatGLM2Config
    from mindformers.tools import MindFormerConfig

    try:
        config = ChatGLM2Config(**MindFormerConfig(model_yaml)["model"]["model_config"])
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(
            f"{model_yaml} is not a YAML of a ChatGLM2: {error!r}",
            "name one that has model.model_config",
        ) from None
    query = config.kv_channels * config.num_attention_heads
    groups = config.multi_query_group_num if config.multi_query_attention else None
    layout = Layout(
        bias=bool(config.add_qkv_bias or config.add_bias_linear),
        query=query,
        key=config.kv_channels * groups if groups else query,
        half=config.ffn_hidden_size,
        head=config.kv_channels if config.use_rearrange_rope else 0,
    )
    if config.qkv_concat and config.use_rearrange_rope:
        raise DataError(
            f"{model_yaml} sets both qkv_concat and use_rearrange_rope",
            "set qkv_concat: False, or convert with by: mindformers",
        )
    if not config.qkv_concat:
        layout = layout._replace(attention=("wq", "wk", "wv"))
    if not config.mlp_concat:
        layout = layout._replace(feed_forward=("dense_left", "dense_right"))
    return layout
