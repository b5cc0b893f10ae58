"""The preprocessing scripts of a mindformers checkout.

They are called by their functions, with the checkout's own tokenizers. Such a
script looks at its input when it has opened its output already, so the steps
look before; and it does not count, so what came out is counted here.
"""

import argparse
import contextlib
import functools
import inspect
import os
from types import ModuleType
from typing import Any, Dict, List, Optional

from ftd_steps import checkout, files
from ftd_steps.errors import DataError, StepError

FTD, MINDFORMERS = "ftd", "mindformers"
FOLDER = os.path.join("mindformers", "tools", "dataset_preprocess")
REMEDY = "look at the step's log; or give the step by: ftd"

# Where a package is called otherwise than its module. What is needed of fschat
# runs on Python 3.7, though the package says that it does not.
PACKAGES = {
    "fastchat": "--no-deps --ignore-requires-python 'fschat>=0.2.13'",
    "tk": "mindpet==1.0.1",
}


def script(folder: str, name: str, by: str, *needed: str) -> Optional[ModuleType]:
    """Load a script of the checkout ``folder``; None where ftd is to do its work.

    ``needed`` are the names that the script must have for the step to use it.

    That is what ``by`` says, or, where it is empty, whether there is a checkout
    whose script can be loaded; why it cannot is printed.
    """
    if by == MINDFORMERS and not folder:
        raise DataError(
            "an installed mindformers has no preprocessing scripts",
            "give mindformers: the directory of a checkout, or by: ftd",
        )
    if by == FTD or not folder:
        return None
    checkout.use(folder)
    path = os.path.join(folder, FOLDER, name)
    try:
        module = checkout.load(path)
        for function in needed:
            getattr(module, function)
        print(f"rows are made by {path}")
        return module
    except Exception as error:
        problem = _unusable(path, error)
    if by == MINDFORMERS:
        raise problem
    instead(problem)
    return None


def instead(problem: StepError) -> None:
    """Say why the original is not used."""
    print(f"{problem.cause}; {problem.remedy}. Now ftd does it, with the same result")


def _unusable(path: str, error: Exception) -> StepError:
    if not os.path.exists(path):
        return StepError(f"there is no {path}", "for that, take a branch that has it")
    remedy = "for that, mend the checkout"
    if isinstance(error, ImportError):
        module = str(error.name).split(".")[0]
        remedy = f"for that, pip install {PACKAGES.get(module, module)}"
    return StepError(f"{path} cannot be loaded: {type(error).__name__}: {error}", remedy)


def converse(module: ModuleType, data: str, rows: int, path: str) -> str:
    """Let alpaca_converter.py make ``path`` of ``rows`` rows; return what made it."""
    name = f"{module.__file__}:main"
    temporary = path + ".part"
    with contextlib.suppress(FileNotFoundError):
        os.remove(temporary)  # some versions refuse what is there
    try:
        options = argparse.Namespace(data_path=data, output_path=temporary)
        checkout.call(name, REMEDY, module.main, options)
        found = len(checkout.call(name, REMEDY, files.read_json, temporary))
        if found != rows:
            raise StepError(f"{name} made {found} conversations of {rows} rows", REMEDY)
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.remove(temporary)
        raise
    return name


class Rows:
    """Rows of llama_preprocess.py, of ``length`` tokens each."""

    skipped = 0  # it leaves out none

    def __init__(self, module: ModuleType, tokenizer: str, length: int) -> None:
        self.name = f"{module.__file__}:preprocess"
        self.module, self.length = module, length
        self.longest = self.cut = 0
        make = module.LlamaTokenizer
        self.tokenizer = checkout.call(str(make.__name__), REMEDY, make, vocab_file=tokenizer)
        for mark in ("add_bos_token", "add_eos_token"):  # as its main part does
            if hasattr(self.tokenizer, mark):
                setattr(self.tokenizer, mark, True)

    def rows(self, dialogues: List[Dict[str, Any]]) -> Dict[str, Any]:
        """Return the columns of some dialogues.

        Versions before 1.6 refuse a row that is too long, 1.6 cuts it.
        """
        import numpy

        made = checkout.call(
            self.name,
            "raise seq_length, if a row is longer; or give the step by: ftd",
            self.module.preprocess,
            [dialogue["conversations"] for dialogue in dialogues],
            self.tokenizer,
            self.length,
        )
        columns = {name: numpy.asarray(made[name]) for name in ("input_ids", "labels")}
        for column, rows in columns.items():
            if rows.shape != (len(dialogues), self.length):
                raise StepError(
                    f"{self.name} made {column} in the shape {rows.shape} of {len(dialogues)} "
                    f"dialogues, for rows of {self.length} tokens",
                    "raise seq_length; or give the step by: ftd",
                )
            columns[column] = rows.astype(numpy.int32)
        ids = columns["input_ids"]
        self.longest = max(self.longest, int((ids != 0).sum(axis=1).max()))
        whole = (ids[:, -1] == 0) | (ids[:, -1] == self.tokenizer.eos_token_id)
        self.cut += int((~whole).sum())
        return columns


# What adgen_dataset.py calls the numbers of two pieces, of which it has those
# of ChatGLM-6B as defaults.
NUMBERS = {"gmask_token_id": "[gMASK]", "bos_token_id": "<sop>"}


def tell(module: ModuleType, processor: Any) -> None:
    """Let adgen_dataset.py count on the numbers that its pieces have in a tokenizer."""
    for name, function in inspect.getmembers(module, inspect.isfunction):
        found = {}
        for parameter in inspect.signature(function).parameters.values():
            piece = NUMBERS.get(parameter.name)
            if piece and parameter.default != processor.piece_to_id(piece):
                found[parameter.name] = processor.piece_to_id(piece)
        if found:
            told = ", ".join(f"{key} {number}" for key, number in found.items())
            print(f"{name} is told of this tokenizer: {told}")
            setattr(module, name, functools.partial(function, **found))


def advertise(
    module: ModuleType, data: str, rows: int, tokenizer: str, path: str, lengths: List[int]
) -> str:
    """Let adgen_dataset.py write ``path`` of ``rows`` rows; return what wrote it.

    ``lengths`` are those of a question and of an answer.
    """
    from mindspore.mindrecord import FileReader

    name = f"{module.__file__}:preprocess_function"
    try:
        checkout.call(name, REMEDY, module.preprocess_function, data, tokenizer, path, 1, *lengths)
        reader = checkout.call(name, REMEDY, FileReader, path, num_consumer=1)
        found, first = reader.len(), next(reader.get_next())
        reader.close()
        if found != rows or len(first["input_ids"]) != sum(lengths):
            raise StepError(
                f"{name} wrote {found} rows, the first of {len(first['input_ids'])} tokens, "
                f"instead of {rows} rows of {sum(lengths)}",
                REMEDY,
            )
    except BaseException:
        for leftover in (path, path + ".db"):
            with contextlib.suppress(FileNotFoundError):
                os.remove(leftover)
        raise
    return name
