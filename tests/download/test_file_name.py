"""The name of a file in a response: RFC 6266 read, and nothing that leaves the folder."""

from __future__ import annotations

from email.message import Message

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coda_network._download.file_name import disposition_name, name_for, safe_name


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ("attachment; filename=example.html", "example.html"),
        ('INLINE; FILENAME= "an example.html"', "an example.html"),
        ("attachment; filename*= UTF-8''%e2%82%ac%20rates", "€ rates"),
        ("attachment; filename=\"EURO rates\"; filename*=utf-8''%e2%82%ac%20rates", "€ rates"),
        ("attachment; filename*=iso-8859-1'en'%A3%20rates", "£ rates"),
        ('attachment; filename="a\\"b\\\\c.txt"', 'a"b\\c.txt'),
        ('attachment; filename="a;b=c.txt"', "a;b=c.txt"),
        ("attachment; filename=\"plain\"; filename*=utf-8''%ff", "plain"),
        ("attachment; filename*=unknown''x", None),
        ("attachment", None),
        ("", None),
        ('attachment; filename="gr\u00c3\u00b6\u00c3\u009fe"', "größe"),
        ('attachment; name="x"; filename="first"; filename="second"', "first"),
    ],
)
def test_what_a_response_says(value: str, name: str | None) -> None:
    assert disposition_name(value) == name


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("a.txt", "a.txt"),
        ("../../etc/passwd", "passwd"),
        ("..\\..\\boot.ini", "boot.ini"),
        ("/etc/passwd", "passwd"),
        ("C:\\x\\y", "y"),
        ("C:evil", "C_evil"),
        ("..", ""),
        (".", ""),
        ("", ""),
        (".bashrc", "bashrc"),
        ("a\x00b\nc", "a_b_c"),
        ("con", "_con"),
        ("NUL.txt", "_NUL.txt"),
        ("com1", "_com1"),
        ("LPT¹.x", "_LPT¹.x"),
        ("console", "console"),
        ("name. . ", "name"),
        ("a<b>:c|d?*", "a_b__c_d__"),
        ("invoice\u202efdp.exe", "invoice_fdp.exe"),
        ("x" * 300 + ".txt", "x" * 196 + ".txt"),
    ],
)
def test_a_name_is_made_safe(name: str, safe: str) -> None:
    assert safe_name(name) == safe


@given(st.text(max_size=400))
def test_no_name_leaves_the_folder(name: str) -> None:
    safe = safe_name(name)
    assert "/" not in safe
    assert "\\" not in safe
    assert safe not in (".", "..")
    assert len(safe.encode()) <= 200
    assert safe == safe_name(safe)


def test_without_a_name_it_is_that_of_the_url() -> None:
    assert name_for(Message(), "http://host/a/b.txt?x=1#y") == "b.txt"
    assert name_for(Message(), "http://host/%2e%2e") == "download"
    assert name_for(Message(), "http://[bad") == "download"
