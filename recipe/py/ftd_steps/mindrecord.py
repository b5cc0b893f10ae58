"""MindRecord from conversations."""

import os
from typing import Any, Dict, List, NamedTuple

import ftd

from ftd_steps import files, prompt
from ftd_steps.errors import DataError, StepError

IGNORED = -100  # the label of a token that the loss leaves out
CHUNK = 256  # rows that are tokenised and written together


class Row(NamedTuple):
    """One training row before it is padded."""

    input_ids: List[int]
    labels: List[int]


def write(
    conversations: str, tokenizer: str, output_dir: str, seq_length: int, too_long: str = "cut"
) -> Dict[str, Any]:
    """Tokenise ``conversations`` and write ``train.mindrecord`` with its index.

    Each row holds ``input_ids`` and ``labels`` (int32) of ``seq_length`` + 1
    tokens, because the model takes all but the last as input and all but the
    first as labels. Questions and padding are labelled -100. A longer row is
    an error, or left out, or cut: ``too_long`` is "error", "skip" or "cut".
    """
    import numpy
    import sentencepiece
    from mindspore.mindrecord import FileWriter

    processor = sentencepiece.SentencePieceProcessor(model_file=tokenizer)
    dialogues = files.read_json(conversations)
    length = seq_length + 1
    # The name is final from the start: the index keeps the name of its file.
    # What is unfinished is told by the directory, which ftd names last.
    path = os.path.join(output_dir, "train.mindrecord")
    for leftover in (path, path + ".db"):
        if os.path.exists(leftover):
            os.remove(leftover)
    writer = FileWriter(path, shard_num=1)
    column = {"type": "int32", "shape": [-1]}
    writer.add_schema({"input_ids": column, "labels": column}, "instructions")
    rows = cut = skipped = longest = 0
    for begin in range(0, len(dialogues), CHUNK):
        batch = []
        for row, dialogue in zip(
            encode(processor, dialogues[begin : begin + CHUNK]), dialogues[begin:]
        ):
            longest = max(longest, len(row.input_ids))
            if len(row.input_ids) > length:
                if too_long == "error":
                    raise DataError(
                        f"conversation {dialogue['id']} has {len(row.input_ids)} tokens, "
                        f"but seq_length {seq_length} leaves room for {length}",
                        "raise seq_length, or set too_long to skip or cut",
                    )
                if too_long == "skip" or all(label == IGNORED for label in row.labels[:length]):
                    skipped += 1
                    continue
                cut += 1
            batch.append(
                {
                    "input_ids": numpy.array(pad(row.input_ids, length, 0), dtype=numpy.int32),
                    "labels": numpy.array(pad(row.labels, length, IGNORED), dtype=numpy.int32),
                }
            )
        if batch:
            writer.write_raw_data(batch)
        rows += len(batch)
        ftd.progress(min(begin + CHUNK, len(dialogues)), len(dialogues), "rows")
    if rows == 0:
        raise DataError(
            f"no answer in {conversations} begins within seq_length {seq_length}; "
            f"the longest row has {longest} tokens",
            "raise seq_length",
        )
    writer.commit()
    count(path, rows, length)
    print(
        f"{rows} rows of {length} tokens; the longest had {longest}, "
        f"{cut} were cut, {skipped} left out"
    )
    return {
        "file": path,
        "rows": rows,
        "longest": longest,
        "cut": cut,
        "skipped": skipped,
    }


def encode(processor: Any, dialogues: List[Dict[str, Any]]) -> List[Row]:
    """Tokenise dialogues: <s>, then each round followed by </s>.

    A question is tokenised alone as well, to know how many tokens it takes;
    its last blank belongs to the answer's first token. With a tokenizer that
    knows no bytes, a row with an unknown character is ignored by the loss, as
    mindformers does, whose padding is <unk>.
    """
    turns = [prompt.rounds(dialogue) for dialogue in dialogues]
    whole = iter(processor.encode([t.question + t.answer for turn in turns for t in turn]))
    asked = iter(processor.encode([t.question for turn in turns for t in turn]))
    rows = []
    for turn in turns:
        ids, labels = [processor.bos_id()], [IGNORED]
        for _ in turn:
            tokens, question = next(whole), len(next(asked)) - 1
            ids += tokens
            ids.append(processor.eos_id())
            labels += [IGNORED] * question
            labels += tokens[question:]
            labels.append(processor.eos_id())
        if processor.unk_id() in ids:
            labels = [IGNORED] * len(ids)
        rows.append(Row(ids, labels))
    return rows


def pad(values: List[int], length: int, filler: int) -> List[int]:
    """Return ``values`` with exactly ``length`` entries."""
    return values[:length] + [filler] * (length - len(values))


def count(path: str, rows: int, length: int) -> None:
    """Read ``path`` back; raise unless it holds ``rows`` rows of ``length`` tokens."""
    from mindspore.mindrecord import FileReader

    reader = FileReader(path, num_consumer=1)
    found = 0
    for row in reader.get_next():
        if len(row["input_ids"]) != length or len(row["labels"]) != length:
            reader.close()
            raise StepError(
                f"row {found + 1} of {path} does not have {length} tokens",
                "run the step again",
            )
        found += 1
    reader.close()
    if found != rows:
        raise StepError(f"{path} holds {found} rows instead of {rows}", "run the step again")
