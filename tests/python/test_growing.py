"""Payload in one piece that grows, read again and again."""

import gc
import io
import sys

import pytest
from gofollow._growing import Growing


@pytest.mark.parametrize("kind", {Growing, io.BytesIO})
def test_values_that_were_read_do_not_change(kind) -> None:
    growing = kind()
    assert growing.getvalue() == b""
    read = []
    for number in range(300):
        growing.write(bytes([number % 256]) * number)
        read.append(growing.getvalue())
        if number % 3:
            del read[-1]
    whole = b"".join(bytes([number % 256]) * number for number in range(300))
    assert growing.getvalue() == whole
    assert growing.tell() == len(whole)
    assert all(whole.startswith(value) for value in read)
    assert [len(value) for value in read] == [sum(range(number + 1)) for number in range(0, 300, 3)]
    assert all(type(value) is bytes for value in read)
    del growing
    gc.collect()
    assert read[-1] == whole[: len(read[-1])]


def test_what_is_read_is_no_copy_and_is_let_go() -> None:
    growing = Growing()
    growing.write(b"x" * 10_000)
    value = growing.getvalue()
    assert growing.getvalue() is value
    if hasattr(sys, "getrefcount"):
        before = sys.getrefcount(value)
        del growing
        gc.collect()
        assert sys.getrefcount(value) == before - 1
    assert value == b"x" * 10_000


@pytest.mark.parametrize("kind", {Growing, io.BytesIO})
@pytest.mark.parametrize("size", [100_000, 3 << 20])
def test_long_values_that_move(kind, size: int) -> None:
    growing = kind()
    parts, read = [bytes([number]) * size for number in range(40)], []
    for number, part in enumerate(parts):
        growing.write(part)
        value = growing.getvalue()
        assert len(value) == growing.tell() == size * (number + 1)
        if number % 8 == 0:
            read.append(value)
        del value
    whole = b"".join(parts)
    assert growing.getvalue() == whole
    assert all(value == whole[: len(value)] for value in read)
