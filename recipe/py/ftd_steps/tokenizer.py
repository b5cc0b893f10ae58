"""A small SentencePiece tokenizer for LLaMA or ChatGLM."""

import io
import os
from typing import Any, Dict, Iterator

import ftd

from ftd_steps import adgen as adgen_data
from ftd_steps import files, prompt
from ftd_steps.errors import DataError, StepError

# What ChatGLM-6B's tokenizer knows beside words, in this order after <pad>.
GLM_MARKS = "[MASK],[gMASK],[sMASK],<unused_0>,<sop>,<eop>,<ENC>,<dBLOCK>"
GLM_PIECES = "<n>,<|tab|>"


def train(
    output_dir: str,
    vocab_size: int,
    conversations: str = "",
    adgen: str = "",
    family: str = "llama",
) -> Dict[str, Any]:
    """Train a tokenizer of exactly ``vocab_size`` pieces on the texts of the data.

    It is laid out as LLaMA's own: <unk> 0, <s> 1, </s> 2, no padding piece,
    byte pair encoding with the 256 bytes as the last resort, so that no text
    is unknown. ChatGLM-6B's (``family`` "glm") has <pad> 3 and its marks after
    that. The same texts give the same tokenizer.
    """
    import sentencepiece

    if bool(conversations) == bool(adgen):
        raise StepError(
            "a tokenizer learns from conversations or from adgen", "give one of the two"
        )
    texts = list(adgen_data.texts(adgen)) if adgen else list(rounds(conversations))
    pieces: Dict[str, Any] = {"pad_id": -1}
    if family == "glm":
        pieces = {"pad_id": 3, "control_symbols": GLM_MARKS, "user_defined_symbols": GLM_PIECES}
    ftd.progress(0, len(texts), "texts")
    model = io.BytesIO()
    try:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(texts),
            model_writer=model,
            model_type="bpe",
            vocab_size=vocab_size,
            byte_fallback=True,
            split_digits=True,
            character_coverage=0.9995,
            normalization_rule_name="identity",
            remove_extra_whitespaces=False,
            allow_whitespace_only_pieces=True,
            max_sentence_length=1 << 20,
            unk_id=0,
            bos_id=1,
            eos_id=2,
            **pieces,
            num_threads=1,
            minloglevel=1,
        )
    except RuntimeError as error:
        raise DataError(
            f"SentencePiece cannot make {vocab_size} pieces of these texts: "
            + " ".join(str(error).split()),
            "choose another vocab_size, or give more data",
        ) from None
    path = os.path.join(output_dir, "tokenizer.model")
    with files.replacing(path, "wb") as file:
        file.write(model.getvalue())
    size = check(path, texts[0])
    ftd.progress(len(texts), len(texts), "texts")
    print(f"a tokenizer of {size} pieces from {len(texts)} texts")
    # ChatGLM2's tokenizer puts five marks after the pieces.
    return {"file": path, "vocab_size": size + (5 if family == "glm2" else 0)}


def rounds(conversations: str) -> Iterator[str]:
    """Yield the rounds of all conversations."""
    for conversation in files.read_json(conversations):
        yield from prompt.split(conversation)


def check(path: str, text: str) -> int:
    """Return the number of pieces, after one text went through the tokenizer and back."""
    import sentencepiece

    tokenizer = sentencepiece.SentencePieceProcessor(model_file=path)
    if tokenizer.decode(tokenizer.encode(text)) != text:
        raise RuntimeError(f"the tokenizer {path} does not give back what it was given")
    return int(tokenizer.get_piece_size())
