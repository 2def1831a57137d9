"""Names of documents come out harmless, readable and each only once."""

import pytest

from app.documents.names import LONGEST, Unique, clean


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("report.pdf", "report.pdf"),
        ("folder/report.pdf", "folder/report.pdf"),
        ("../../etc/passwd", "etc/passwd"),
        ("/etc/passwd", "etc/passwd"),
        ("a/../../b.txt", "b.txt"),
        ("a/./b//c.txt", "a/b/c.txt"),
        ("C:\\Windows\\win.ini", "Windows/win.ini"),
        ("C:D:x.txt", "x.txt"),
        ("\\\\server\\share\\x.txt", "server/share/x.txt"),
        ("a\0b.txt", "ab.txt"),
        ("a\r\nSet-Cookie: x.txt", "a Set-Cookie: x.txt"),
        ("harmless\u202efdp.exe", "harmlessfdp.exe"),
        ("zero\u200bwidth\ufeff.txt", "zerowidth.txt"),
        ("lone\ud800.txt", "lone.txt"),
        ("cafe\u0301.txt", "café.txt"),
        ("Отчёт за май.docx", "Отчёт за май.docx"),
        ("  spaces   here .txt ", "spaces here .txt"),
        ("..", "unnamed"),
        ("...", "unnamed"),
        ("", "unnamed"),
        ("///", "unnamed"),
        (".env", ".env"),
    ],
)
def test_a_name_is_cleaned(name: str, expected: str) -> None:
    assert clean(name) == expected
    assert clean(clean(name)) == expected


def test_a_long_name_is_cut_and_keeps_its_extension() -> None:
    assert len(clean("x" * 5_000 + ".docx")) == LONGEST
    assert clean("x" * 5_000 + ".docx").endswith("x.docx")
    assert clean("folder/" * 100 + "name.pdf").endswith("folder/name.pdf")
    assert len(clean("folder/" * 100 + "name.pdf")) <= LONGEST


def test_a_name_is_given_only_once() -> None:
    unique = Unique()
    names = ["a.txt", "a.txt", "a (2).txt", "a.txt", "b/.env", "b/.env", "x" * 251 + ".txt", "x" * 251 + ".txt"]
    given = [unique(name) for name in names]
    assert given[:6] == ["a.txt", "a (2).txt", "a (2) (2).txt", "a (3).txt", "b/.env", "b/.env (2)"]
    assert len(set(given)) == len(names)
    assert all(len(name) <= LONGEST for name in given)
