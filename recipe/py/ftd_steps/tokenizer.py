"""A small SentencePiece tokenizer for LLaMA."""

import io
import os
from typing import Any, Dict

import ftd

from ftd_steps import files, prompt
from ftd_steps.errors import DataError


def train(conversations: str, output_dir: str, vocab_size: int) -> Dict[str, Any]:
    """Train a tokenizer of exactly ``vocab_size`` pieces on the texts of ``conversations``.

    It is laid out as LLaMA's own: <unk> 0, <s> 1, </s> 2, no padding piece,
    byte pair encoding with the 256 bytes as the last resort, so that no text
    is unknown. The same conversations give the same tokenizer.
    """
    import sentencepiece

    texts = [
        text
        for conversation in files.read_json(conversations)
        for turn in prompt.rounds(conversation)
        for text in turn
    ]
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
            pad_id=-1,
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
    pieces = check(path, texts[0])
    ftd.progress(len(texts), len(texts), "texts")
    print(f"a tokenizer of {pieces} pieces from {len(texts)} texts")
    return {"file": path, "vocab_size": pieces}


def check(path: str, text: str) -> int:
    """Return the number of pieces, after one text went through the tokenizer and back."""
    import sentencepiece

    tokenizer = sentencepiece.SentencePieceProcessor(model_file=path)
    if tokenizer.decode(tokenizer.encode(text)) != text:
        raise RuntimeError(f"the tokenizer {path} does not give back what it was given")
    return int(tokenizer.get_piece_size())
