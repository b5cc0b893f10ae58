"""MindRecord from conversations."""

import os
from typing import Any, Dict, List, NamedTuple, Union

from ftd_steps import files, preprocess, prompt
from ftd_steps.errors import DataError
from ftd_steps.pieces import Encoder
from ftd_steps.recordfile import RecordFile, chunks

IGNORED = -100  # the label of a token that the loss leaves out
PADDING = 0  # <unk>, by which mindformers fills a row up


class Row(NamedTuple):
    """One training row before it is padded."""

    input_ids: List[int]
    labels: List[int]


def write(
    conversations: str,
    tokenizer: str,
    output_dir: str,
    seq_length: int,
    too_long: str = "cut",
    by: str = "",
    mindformers: str = "",
) -> Dict[str, Any]:
    """Tokenise ``conversations`` and write ``train.mindrecord`` with its index.

    Each row holds ``input_ids`` and ``labels`` (int32) of ``seq_length`` + 1
    tokens, because the model takes all but the last as input and all but the
    first as labels. Questions and padding are labelled -100. A longer row is
    an error, or left out, or cut: ``too_long`` is "error", "skip" or "cut". Who
    makes the rows, ``by`` and ``mindformers`` say, see :func:`preprocess.script`.
    """
    # Before SentencePiece's protobuf classes: MindSpore 2.7 cannot be imported after them.
    import mindspore.mindrecord  # noqa: F401

    dialogues = files.read_json(conversations)
    needed = ("preprocess", "LlamaTokenizer")
    original = preprocess.script(mindformers, "llama/llama_preprocess.py", by, *needed)
    maker: Union[Rows, preprocess.Rows]
    if original is not None:
        for dialogue in dialogues:
            prompt.split(dialogue)  # which says what is wrong with one
        maker = preprocess.Rows(original, tokenizer, seq_length + 1)
    else:
        maker = Rows(tokenizer, seq_length + 1, too_long)
    columns = {"input_ids": [-1], "labels": [-1]}
    record = RecordFile(os.path.join(output_dir, "train.mindrecord"), columns, "instructions")
    for chunk in chunks(dialogues):
        record.write(maker.rows(chunk))
    if record.rows == 0:
        raise DataError(
            f"no answer in {conversations} begins within seq_length {seq_length}; "
            f"the longest row has {maker.longest} tokens",
            "raise seq_length",
        )
    record.close()
    print(
        f"{record.rows} rows of {seq_length + 1} tokens; the longest had {maker.longest}, "
        f"{maker.cut} were cut, {maker.skipped} left out"
    )
    return {
        "file": record.path,
        "rows": record.rows,
        "longest": maker.longest,
        "cut": maker.cut,
        "skipped": maker.skipped,
        "made_by": maker.name,
    }


class Rows:
    """Rows that ftd makes, of ``length`` tokens each."""

    name = preprocess.FTD

    def __init__(self, tokenizer: str, length: int, too_long: str) -> None:
        self.encoder, self.length, self.too_long = Encoder(tokenizer), length, too_long
        self.longest = self.cut = self.skipped = 0

    def rows(self, dialogues: List[Dict[str, Any]]) -> Dict[str, Any]:
        """Return the columns of some dialogues."""
        import numpy

        length = self.length
        ids = numpy.full((len(dialogues), length), PADDING, dtype=numpy.int32)
        labels = numpy.full((len(dialogues), length), IGNORED, dtype=numpy.int32)
        kept = 0
        for row, dialogue in zip(encode(self.encoder, dialogues, length), dialogues):
            size = len(row.input_ids)
            self.longest = max(self.longest, size)
            if size > length:
                if self.too_long == "error":
                    raise DataError(
                        f"conversation {dialogue['id']} has {size} tokens, "
                        f"but seq_length {length - 1} leaves room for {length}",
                        "raise seq_length, or set too_long to skip or cut",
                    )
                if self.too_long == "skip" or all(x == IGNORED for x in row.labels[:length]):
                    self.skipped += 1
                    continue
                self.cut += 1
                size = length
            ids[kept, :size] = row.input_ids[:size]
            labels[kept, :size] = row.labels[:size]
            kept += 1
        return {"input_ids": ids[:kept], "labels": labels[:kept]}


def encode(encoder: Encoder, dialogues: List[Dict[str, Any]], length: int) -> List[Row]:
    """Tokenise dialogues: <s>, then each round followed by </s>.

    The label of a question's token is ignored. Where a text itself holds what
    ends a round, or what stands before an answer, mindformers' preprocessing
    loses count and ignores all of the row; so does this. The same happens to a
    row with an unknown character, because the padding is <unk>.
    """
    processor = encoder.processor
    rounds = [prompt.split(dialogue) for dialogue in dialogues]
    texts = iter(encoder.encode([text for row in rounds for text in row]))
    # The blank at the end of a question belongs to the answer's first token.
    asked = iter(encoder.encode([prompt.question(text) for row in rounds for text in row]))
    rows = []
    for row in rounds:
        ids, labels = [processor.bos_id()], [IGNORED]
        for text in row:
            tokens, question = next(texts), len(next(asked)) - 1
            ids += tokens
            ids.append(processor.eos_id())
            if prompt.answered(text) and len(labels) + len(tokens) + 1 == len(ids):
                labels += [IGNORED] * question
                labels += tokens[question:]
                labels.append(processor.eos_id())
        counted = len(ids) - ids.count(PADDING)
        if len(labels) < length and len(labels) != counted:
            labels = []
        rows.append(Row(ids, labels + [IGNORED] * (len(ids) - len(labels))))
    return rows
