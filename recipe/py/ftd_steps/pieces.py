"""Texts to ids, fast, and the same ids that SentencePiece gives.

Byte pair encoding merges neighbours. Where no piece of the vocabulary reaches
over the beginning of a word, no merge does: a text is then encoded word by
word, and of fifty thousand rows each word only once. Whether a model is of
this kind (LLaMA's is) is read from the model; any other encodes whole texts.
"""

import itertools
import re
from typing import Any, Dict, List, Tuple

BLANK = "\u2581"  # how SentencePiece writes a blank
WORD = re.compile(" +[^ ]*")
ENOUGH = 1 << 20  # words that are remembered


class Encoder:
    """Encodes texts with the SentencePiece model in the file ``model``."""

    def __init__(self, model: str) -> None:
        import sentencepiece

        self.processor: Any = sentencepiece.SentencePieceProcessor(model_file=model)
        self.by_words = encodes_words(self.processor)
        self.words: Dict[str, List[int]] = {}

    def encode(self, texts: List[str]) -> List[List[int]]:
        """Return the ids of each text, without any that mark its beginning or end."""
        if not self.by_words or any(BLANK in text for text in texts):
            ids: List[List[int]] = self.processor.encode(texts, num_threads=-1)
            return ids
        # The model puts a blank before a text.
        split = [WORD.findall(" " + text) if text else [] for text in texts]
        self.learn(set(itertools.chain.from_iterable(split)).difference(self.words))
        known = self.words.__getitem__
        return [list(itertools.chain.from_iterable(map(known, words))) for words in split]

    def learn(self, words: Any) -> None:
        """Encode words that were not seen before; each begins with its blanks."""
        if len(self.words) > ENOUGH:
            self.words.clear()
        new = [word for word in words if word != " "]
        self.words.update(zip(new, self.processor.encode([word[1:] for word in new])))
        # Of nothing the model makes nothing, but of a blank at the end a piece.
        self.words[" "] = [self.processor.piece_to_id(BLANK)]


def encodes_words(processor: Any) -> bool:
    """Return whether the model encodes the words of a text independently."""
    model = fields(processor.serialized_model_proto())
    trainer, normalizer = fields(model[TRAINER]), fields(model[NORMALIZER])
    pieces = [processor.id_to_piece(number) for number in range(processor.get_piece_size())]
    return (
        trainer.get(MODEL_TYPE) == BPE
        # Else unknown characters of two words may become one piece.
        and trainer.get(BYTE_FALLBACK) == 1
        and not trainer.get(BLANK_AS_SUFFIX)
        and not normalizer.get(CHARACTER_MAP)
        and normalizer.get(BLANK_BEFORE, 1) == 1
        and normalizer.get(ONE_BLANK_ONLY, 1) == 0
        and normalizer.get(ESCAPE_BLANKS, 1) == 1
        and BLANK in pieces
        and not any(BLANK in piece.lstrip(BLANK) for piece in pieces)
    )


# Numbers of fields in sentencepiece_model.proto.
TRAINER, NORMALIZER = 2, 3
MODEL_TYPE, BPE, BLANK_AS_SUFFIX, BYTE_FALLBACK = 3, 2, 24, 35
CHARACTER_MAP, BLANK_BEFORE, ONE_BLANK_ONLY, ESCAPE_BLANKS = 2, 3, 4, 5


def fields(message: bytes) -> Dict[int, Any]:
    """Return the fields of a protobuf message by number, of repeated ones the last.

    By hand, because of protobuf a process can have one version only, and it
    is MindSpore that chooses which: it must be imported by nobody before.
    """
    found: Dict[int, Any] = {}
    at = 0
    while at < len(message):
        tag, at = varint(message, at)
        if tag & 7 == 0:
            found[tag >> 3], at = varint(message, at)
            continue
        size, at = varint(message, at) if tag & 7 == 2 else ({1: 8, 5: 4}[tag & 7], at)
        found[tag >> 3] = message[at : at + size]
        at += size
    return found


def varint(message: bytes, at: int) -> Tuple[int, int]:
    """Return the number that begins at ``at``, and where it ends."""
    value = shift = 0
    while True:
        byte = message[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at
