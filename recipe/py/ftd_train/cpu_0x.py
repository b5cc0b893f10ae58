"""LLaMA of mindformers 0.x on a CPU."""

from mindformers.models.llama import llama_layer, llama_transformer

from ftd_train.cpu import Product


class RotaryEmbedding(llama_layer.LlamaRotaryEmbedding):
    """The rotary embedding; later versions have use_rope_slice for that."""

    def __init__(self, *args, **kwargs):  # type: ignore[no-untyped-def]
        super().__init__(*args, **kwargs)
        self.bmm_swap = Product()


def replace() -> None:
    """Let models that are built from now on use it."""
    llama_transformer.LlamaRotaryEmbedding = RotaryEmbedding
