"""MindRecord from ADGen data, for ChatGLM.

The data is one JSON object a line: ``content``, what an advertisement is to
speak of, and ``summary``, the advertisement. ChatGLM-6B (family "glm") is
asked with the content as it is, ends its question with [gMASK] <sop>, and sees
all of the question at once; ChatGLM2-6B ("glm2") is asked in a round of a
dialogue that begins with [gMASK] sop.
"""

import json
import os
from typing import Any, Dict, Iterator, List, NamedTuple, Tuple, Union

from ftd_steps import preprocess
from ftd_steps.errors import DataError, StepError
from ftd_steps.pieces import Encoder
from ftd_steps.recordfile import RecordFile, chunks

IGNORED = -100  # the label of a token that the loss leaves out
REMEDY = 'give a file with one object a line, such as {"content": "...", "summary": "..."}'


class Example(NamedTuple):
    """One line of the data."""

    content: str
    summary: str


def write(
    data: str,
    tokenizer: str,
    output_dir: str,
    source_length: int,
    target_length: int,
    family: str = "glm",
    by: str = "",
    mindformers: str = "",
) -> Dict[str, Any]:
    """Tokenise ``data`` and write ``train.mindrecord`` with its index.

    Questions are cut to ``source_length`` tokens and answers to
    ``target_length``, as mindformers does it: its adgen_dataset.py for glm, its
    KeyWordGenDataset (version 2) for glm2. Labels are shifted already: each is
    the token that comes next. Who writes those of glm, ``by`` and ``mindformers``
    say, see :func:`preprocess.script`.
    """
    examples = read(data)
    # Before SentencePiece's protobuf classes: MindSpore 2.7 cannot be imported after them.
    import mindspore.mindrecord  # noqa: F401

    path = os.path.join(output_dir, "train.mindrecord")
    original = None
    if family == "glm":
        needed = ("preprocess_function",)
        original = preprocess.script(mindformers, "glm/adgen_dataset.py", by, *needed)
    elif by == preprocess.MINDFORMERS:
        raise StepError(
            "mindformers has no script for ChatGLM2: it tokenises while it trains",
            "give the step by: ftd",
        )
    encoder = Encoder(tokenizer)
    if original is not None:
        preprocess.tell(original, encoder.processor)
        lengths = [source_length, target_length]
        made_by = preprocess.advertise(original, data, len(examples), tokenizer, path, lengths)
        length = sum(lengths)
        print(f"{len(examples)} rows of {length} tokens")
        return {"file": path, "rows": len(examples), "seq_length": length, "made_by": made_by}
    kind: Any = Glm if family == "glm" else Glm2
    maker: Union[Glm, Glm2] = kind(encoder, source_length, target_length)
    record = RecordFile(path, maker.columns, "adgen")
    for chunk in chunks(examples):
        record.write(maker.rows(chunk))
    record.close()
    print(f"{record.rows} rows of {maker.length} tokens")
    return {
        "file": path,
        "rows": record.rows,
        "seq_length": maker.length,
        "made_by": preprocess.FTD,
    }


def read(path: str) -> List[Example]:
    """Return the lines that hold a question and an answer."""
    examples = []
    with open(path, encoding="utf-8-sig") as file:
        for number, line in enumerate(file, start=1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
                example = Example(row["content"], row["summary"])
                if not all(isinstance(text, str) for text in example):
                    raise ValueError("content and summary must be texts")
            except (ValueError, TypeError, KeyError) as error:
                raise DataError(
                    f"line {number} of {path} is not a row of ADGen: {error}", REMEDY
                ) from None
            if example.content and example.summary:
                examples.append(example)
    if not examples:
        raise DataError(f"{path} holds no rows", REMEDY)
    return examples


def texts(path: str) -> Iterator[str]:
    """Yield what a tokenizer can learn from."""
    for example in read(path):
        yield from example


class Glm:
    """Rows for ChatGLM-6B, with positions in two dimensions and a mask each."""

    def __init__(self, encoder: Encoder, source: int, target: int) -> None:
        self.encoder, self.source, self.target = encoder, source, target
        self.length = source + target
        self.gmask, self.begin, self.end, self.pad = (
            encoder.processor.piece_to_id(piece) for piece in ("[gMASK]", "<sop>", "<eop>", "<pad>")
        )
        self.columns = {
            "input_ids": [-1],
            "labels": [-1],
            "position_ids": [2, self.length],
            "attention_mask": [1, self.length, self.length],
        }

    def rows(self, examples: List[Example]) -> Dict[str, Any]:
        """Return the columns of some examples."""
        import numpy

        size = (len(examples), self.length)
        ids = numpy.full(size, self.pad, dtype=numpy.int32)
        labels = numpy.full(size, IGNORED, dtype=numpy.int32)
        positions = numpy.zeros((len(examples), 2, self.length), dtype=numpy.int32)
        masks = numpy.empty((len(examples), 1, self.length, self.length), dtype=numpy.int32)
        # 1 is what may not be seen: all that comes later, but in the question.
        later = numpy.triu(numpy.ones((self.length, self.length), dtype=numpy.int32), 1)
        questions = self.encoder.encode([self.plain(example.content) for example in examples])
        answers = self.encoder.encode([self.plain(example.summary) for example in examples])
        for row, (question, answer) in enumerate(zip(questions, answers)):
            asked = [*question[: self.source - 1], self.gmask, self.begin]
            context = len(asked) - 1  # where <sop> is
            tokens = [*asked, *answer[: self.target - 2], self.end]
            ids[row, : len(tokens)] = tokens
            following = [token if token != self.pad else IGNORED for token in tokens[context + 1 :]]
            labels[row, context : len(tokens) - 1] = following
            positions[row, 0] = numpy.arange(self.length)
            positions[row, 0, context:] = context - 1
            positions[row, 1, context:] = numpy.arange(1, self.length - context + 1)
            masks[row, 0] = later
            masks[row, 0, :, :context] = 0
        return {
            "input_ids": ids,
            "labels": labels,
            "position_ids": positions,
            "attention_mask": masks,
        }

    @staticmethod
    def plain(text: str) -> str:
        """Return the text with the pieces by which this tokenizer writes white space."""
        text = text.replace("\n", "<n>").replace("\t", "<|tab|>")
        for number in range(80, 1, -1):
            text = text.replace(" " * number, f"<|blank_{number}|>")
        return text


class Glm2:
    """Rows for ChatGLM2-6B."""

    def __init__(self, encoder: Encoder, source: int, target: int) -> None:
        self.encoder, self.source, self.target = encoder, source, target
        self.length = source + target + 1
        # Its tokenizer counts on where the pieces end: [MASK], [gMASK], [sMASK], sop, eop.
        pieces = encoder.processor.get_piece_size()
        self.prefix = [pieces + 1, pieces + 3]
        self.end = encoder.processor.eos_id()
        self.pad = encoder.processor.unk_id()
        self.columns: Dict[str, List[int]] = {"input_ids": [-1], "labels": [-1]}

    def rows(self, examples: List[Example]) -> Dict[str, Any]:
        """Return the columns of some examples."""
        import numpy

        size = (len(examples), self.length)
        ids = numpy.full(size, self.pad, dtype=numpy.int32)
        labels = numpy.full(size, IGNORED, dtype=numpy.int32)
        for row, (question, answer) in enumerate(self.encoded(examples)):
            asked = [*self.prefix, *question][: self.source]
            following = [*answer[: self.target], self.end]
            ids[row, : len(asked) + len(following)] = asked + following
            begin = len(asked) - 1
            labels[row, begin : begin + len(following)] = [
                token if token != self.pad else IGNORED for token in following
            ]
        return {"input_ids": ids, "labels": labels}

    def encoded(self, examples: List[Example]) -> Iterator[Tuple[List[int], List[int]]]:
        """Yield the tokens of question and answer."""
        asked = [f"[Round 1]\n\n问：{example.content}\n\n答：" for example in examples]
        return zip(
            self.encoder.encode(asked),
            self.encoder.encode([example.summary for example in examples]),
        )
