"""Reading data in the alpaca format.

The format is a JSON list of objects with the strings ``instruction``,
``output`` and, optionally, ``input``. A mistake is reported with the row it is
in, counted from 1, because such files have fifty thousand of them.
"""

import json
from typing import Any, Dict, List, Tuple

from ftd_steps.errors import DataError

Row = Dict[str, str]

REMEDY = (
    'give a JSON list of objects such as {"instruction": "...", "input": "...", "output": "..."}'
)


def read(path: str) -> List[Row]:
    """Return the rows of ``path``, each with all three fields as strings."""
    try:
        with open(path, encoding="utf-8-sig") as file:
            text = file.read()
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path} is not UTF-8 text (byte {error.start})",
            "convert it, for example with iconv -f GB18030 -t UTF-8",
        ) from None
    try:
        rows = json.loads(text)
    except json.JSONDecodeError as error:
        raise DataError(_not_json(path, text, error), REMEDY) from None
    if not isinstance(rows, list):
        raise DataError(f"{path} holds no list of rows but {_kind(rows)}", REMEDY)
    if not rows:
        raise DataError(f"{path} holds no rows", REMEDY)
    checked = [_row(path, number, row) for number, row in enumerate(rows, start=1)]
    # mindformers' script takes them, too: data of many authors has some.
    blank = [
        number for number, row in enumerate(checked, start=1) if not row["instruction"].strip()
    ]
    if blank:
        print(
            f"{len(blank)} of {len(checked)} rows have no instruction, the first is row {blank[0]}"
        )
    return checked


def _row(path: str, number: int, row: Any) -> Row:
    where = f"row {number} of {path}"
    if not isinstance(row, dict):
        raise DataError(f"{where} is not an object but {_kind(row)}", REMEDY)
    for field in ("instruction", "output"):
        if field not in row:
            raise DataError(f'{where} lacks the field "{field}"', REMEDY)
    result = {field: row.get(field) or "" for field in ("instruction", "input", "output")}
    for field, value in result.items():
        if not isinstance(value, str):
            raise DataError(
                f'the field "{field}" in {where} is not a text but {_kind(value)}', REMEDY
            )
    return result


def _not_json(path: str, text: str, error: json.JSONDecodeError) -> str:
    message = f"{path} is not JSON: line {error.lineno}, column {error.colno}: {error.msg}"
    rows, in_list = _rows_before(text, error.pos)
    return f"{message} (in row {rows + 1})" if in_list else message


def _rows_before(text: str, end: int) -> Tuple[int, bool]:
    """Count the whole rows before ``end``; the second value is whether it is a list at all."""
    decoder = json.JSONDecoder()
    position = _skip(text, 0, " \t\r\n")
    if text[position : position + 1] != "[":
        return 0, False
    position, rows = position + 1, 0
    while True:
        position = _skip(text, position, " \t\r\n,")
        try:
            _, after = decoder.raw_decode(text, position)
        except json.JSONDecodeError:
            return rows, True
        if after > end:
            return rows, True
        position, rows = after, rows + 1


def _skip(text: str, position: int, characters: str) -> int:
    while position < len(text) and text[position] in characters:
        position += 1
    return position


def _kind(value: Any) -> str:
    names = {dict: "an object", list: "a list", str: "a text", bool: "true or false"}
    if value is None:
        return "null"
    return names.get(type(value), "a number")
