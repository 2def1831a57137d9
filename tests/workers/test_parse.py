"""Every kind of document becomes text with true offsets, or fails with its reason."""

import gzip
import os
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from app import samples
from app.domain import Parsed
from app.settings import Settings
from tests.workers import documents
from tests.workers.documents import PROSE, RUSSIAN
from workers.parse import Jail, ParseFailed

Read = Callable[[bytes, str], Parsed]


@pytest.fixture(scope="module")
def jail() -> Iterator[Jail]:
    with Jail(Settings()) as jail:
        yield jail


@pytest.fixture
def read(jail: Jail, tmp_path: Path) -> Read:
    def read(content: bytes, name: str) -> Parsed:
        path = tmp_path / "blob"
        path.write_bytes(content)
        return jail.parse(path, name)

    return read


def test_a_pdf_becomes_flowing_text_with_its_pages(read: Read) -> None:
    parsed = read(documents.pdf(f"First\n{PROSE}", "Second\nShort."), "a.pdf")
    first, second = parsed.pages
    assert parsed.text[first.start : first.end] == f"First\n\n{PROSE.strip()}"
    assert parsed.text[second.start : second.end] == "Second\n\nShort."
    assert (first.number, second.number, parsed.media_type, parsed.language) == (1, 2, "application/pdf", "en")


def test_a_word_broken_at_the_end_of_a_line_of_a_pdf_is_joined(read: Read) -> None:
    lines = (
        "A well-known rule of the safety regu-",
        "lations is strict, and it is well-",
        "known to every sailor here.",
    )
    assert read(documents.pdf_lines(*lines), "a.pdf").text == (
        "A well-known rule of the safety regulations is strict, and it is well-known to every sailor here."
    )


def test_list_items_and_code_of_a_pdf_keep_their_lines(read: Read) -> None:
    lines = (
        "The crew checks before each departure of the ship:",
        "1. the bow door",
        "2. the rafts",
        "#include <bow.h>",
    )
    assert read(documents.pdf_lines(*lines), "a.pdf").text.split("\n") == list(lines)


def test_a_bookmark_of_a_pdf_is_a_heading_where_its_title_stands(read: Read) -> None:
    parsed = read(
        documents.pdf_lines("Preface.", "Fog and wind", "In fog the horn sounds.", bookmark="Fog and wind"), "a.pdf"
    )
    (heading,) = parsed.headings
    assert parsed.text[heading.start :].startswith("Fog and wind\n")


def test_bookmarks_are_found_by_their_titles_however_these_are_printed(read: Read) -> None:
    chapters = (
        ("4.2. Fog and wind", "Fog and wind", 0),
        ("CHAPTER 5 THE ENGINE-|ROOM AND ITS CREW", "The engine-room and its crew", 0),
        ("Moorings", "6.1 Moorings", 0),
        ("Not as the bookmark says", "Other words", 0),
        ("7 Tides", "Tides", 1),
    )
    parsed = read(documents.pdf_book(*chapters), "a.pdf")
    found = {heading.title: parsed.text[heading.start :].split("\n")[0] for heading in parsed.headings}
    assert found == {
        "Fog and wind": "4.2. Fog and wind",
        "The engine-room and its crew": "CHAPTER 5 THE ENGINEROOM AND ITS CREW",
        "6.1 Moorings": "Moorings",
        "Other words": "Other words",
        "Tides": "Tides",
    }
    assert [heading.start for heading in parsed.headings] == sorted(heading.start for heading in parsed.headings)
    assert [parsed.text[page.start :].startswith(("Fog", "The e", "6.1", "Other", "Tides")) for page in parsed.pages]


def test_the_places_of_pages_are_those_of_their_own_text(read: Read) -> None:
    parsed = read(documents.pdf_book(("1 Fog", "Fog", 0), ("2 Wind", "Wind", 2), ("3 Ice", "Ice", 0)), "a.pdf")
    beginnings = [parsed.text[page.start : page.end].split("\n")[0] for page in parsed.pages]
    assert beginnings == ["Fog", "The end of what went before.", "The end of what went before.", "Wind", "Ice"]
    assert all(parsed.text[page.start : page.end].strip() for page in parsed.pages)
    assert [parsed.text[end.end : start.start] for end, start in pairwise(parsed.pages)] == ["\n\n"] * 4


def test_a_pdf_with_a_password_is_encrypted_and_one_with_an_empty_password_opens(read: Read) -> None:
    assert _reason(read, documents.pdf("Title\nText", user_password="secret"), "a.pdf") == "encrypted"
    assert "Text" in read(documents.pdf("Title\nText", user_password=""), "a.pdf").text


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.99])
def test_a_truncated_pdf_is_corrupt(read: Read, share: float) -> None:
    content = documents.pdf(f"Title\n{PROSE}")
    assert _reason(read, content[: int(len(content) * share)], "a.pdf") == "corrupt"


def test_a_pdf_without_text_is_empty_and_the_detail_speaks_of_ocr(read: Read) -> None:
    with pytest.raises(ParseFailed, match=r"empty: .*OCR"):
        read(documents.pdf_lines(""), "scan.pdf")


def test_a_word_document_becomes_markdown_with_headings(read: Read) -> None:
    parsed = read(documents.word(), "a.docx")
    assert "An adult pays 18 crowns * on line_a." in parsed.text
    assert "| A | 9 |" in parsed.text
    assert [(heading.level, heading.title) for heading in parsed.headings] == [(1, "Fares"), (2, "Refunds")]
    assert [parsed.text[heading.start :].split("\n")[0] for heading in parsed.headings] == ["# Fares", "## Refunds"]


def test_sheets_slides_and_books_become_markdown(read: Read) -> None:
    assert "| Harbour | A |" in read(documents.sheet(), "a.xlsx").text
    assert read(documents.slides(), "a.pptx").text == "## Boarding\n\nRamps open at nine."
    assert read(documents.book(), "a.epub").text == "# Chapter\n\nThe book has a link."


def test_an_external_entity_in_a_word_document_is_not_fetched(read: Read, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("very secret")
    entity = f'<!DOCTYPE x [<!ENTITY e SYSTEM "file://{tmp_path}/secret">]>'
    name = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    body = f'<w:document xmlns:w="{name}"><w:body><w:p><w:r><w:t>public &e;</w:t></w:r></w:p></w:body></w:document>'
    content = documents.zipped({"[Content_Types].xml": "<Types/>", "word/document.xml": entity + body})
    try:
        assert "secret" not in read(content, "a.docx").text
    except ParseFailed as failed:
        assert failed.reason == "corrupt"


def test_an_expanding_word_document_fails_and_the_next_one_is_read(read: Read) -> None:
    bomb = documents.zipped({"[Content_Types].xml": "<Types/>", "word/document.xml": b" " * 600_000_000})
    assert _reason(read, bomb, "a.docx") in ("corrupt", "parse_oom", "parse_timeout")
    assert read(b"still here", "a.txt").text == "still here"


HTML = """<html><head><meta charset="{}"><title>t</title><style>b{{}}</style></head><body><script>evil()</script>
<!-- hidden --><h1>Расписание</h1><p>Паром «Волна» <a href=" JavaScript:alert(1)">ходит</a> <a href="/x">днём</a>.</p>
<img src="data:image/png;base64,AAAA" alt="причал"><svg><text>svg</text></svg></body></html>"""


@pytest.mark.parametrize("encoding", ["utf-8", "windows-1251", "koi8-u"])
def test_a_page_is_read_in_its_declared_encoding_without_what_is_unseen(read: Read, encoding: str) -> None:
    parsed = read(HTML.format(encoding).encode(encoding, errors="ignore"), "a.html")
    assert "# Расписание\n" in parsed.text
    assert parsed.text.endswith("причал")
    assert "ходит [днём](/x)." in parsed.text
    assert not any(word in parsed.text.lower() for word in ("evil", "hidden", "svg", "script", "base64", "b{}"))


def test_a_page_that_declares_a_wrong_encoding_is_read_all_the_same(read: Read) -> None:
    assert "Паром «Волна»" in read(HTML.format("utf-8").encode("cp1251"), "a.html").text
    assert "Паром «Волна»" in read(HTML.format("windows-1251").encode(), "a.htm").text


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1251", "koi8-r", "cp866"]
)
def test_a_russian_text_is_read_in_any_encoding(read: Read, encoding: str) -> None:
    parsed = read((RUSSIAN * 3).encode(encoding), "a.txt")
    assert (parsed.text, parsed.language) == ((RUSSIAN * 3).rstrip(), "ru")


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("Le café est fermé à midi. Größe naïve señor.", "latin-1"),
        ("“Smart” quotes – a café costs 5 € here.", "cp1252"),
        ("Zażółć gęślą jaźń. Prom odpływa o siódmej.", "cp1250"),
        ("これは日本語の文章です。船は七時に出発します。", "shift_jis"),
        ("Plain English without any mark at all.", "utf-16-le"),
    ],
)
def test_other_languages_are_read_in_their_old_encodings(read: Read, text: str, encoding: str) -> None:
    assert read(text.encode(encoding), "a.txt").text == text


def test_line_ends_and_invisible_characters_are_normalised(read: Read) -> None:
    content = "one\r\ntwo\rthree\0\u200b\u202e e\u0301 \U000e0041\ufeffend \n"
    assert read(content.encode(), "a.txt").text == "one\ntwo\nthree é end\n"


MARKDOWN = """---
title: no heading
---
# First *one* #

```
# code
```

Setext title
------------

a paragraph
of two lines
---

####### seven
 ## Second [link](x)
"""


def test_headings_are_those_of_markdown_and_begin_their_line(read: Read) -> None:
    parsed = read(MARKDOWN.encode(), "a.md")
    assert [(heading.level, heading.title) for heading in parsed.headings] == [
        (1, "First *one*"),
        (2, "Setext title"),
        (2, "Second link"),
    ]
    starts = [parsed.text[heading.start :].split("\n")[0] for heading in parsed.headings]
    assert starts == ["# First *one* #", "Setext title", " ## Second [link](x)"]


def test_a_table_becomes_a_sentence_for_each_row(read: Read) -> None:
    expected = "Stop: Harbour; Time: 07:15\nStop: Old, pier; Time: 08:00; extra"
    assert read(b'Stop,Time\nHarbour,07:15\n"Old,\npier",08:00,extra\n,\n', "a.csv").text == expected
    assert read("Остановка;Зона\nГавань;А\n".encode("cp1251"), "a.csv").text == "Остановка: Гавань; Зона: А"
    assert read(b"Stop\tTime\nHarbour\t07:15\n", "a.tsv").text == "Stop: Harbour; Time: 07:15"


def test_records_become_their_strings(read: Read) -> None:
    lines = (
        '{"messages": [{"role": "user", "content": "When?"}, {"role": "assistant", "content": "At seven."}]}\n'
        '\n{"title": "Fog", "year": 1998, "notes": {"de": "Nebel"}, "tags": ["sea", "air"], "bad": "a\\ud800b"}\n'
    )
    assert read(lines.encode(), "a.jsonl").text == (
        "user: When?\nassistant: At seven.\n\ntitle: Fog\nde: Nebel\ntags: sea\ntags: air\nbad: ab"
    )
    assert _reason(read, b'{"a": "b"}\n{"a": ', "a.jsonl") == "corrupt"
    assert _reason(read, b"[" * 100_000, "a.jsonl") == "corrupt"


@pytest.mark.parametrize(
    ("content", "name", "reason"),
    [
        (b"", "a.txt", "empty"),
        (b" \n\t ", "a.md", "empty"),
        (b"text", "a.doc", "unsupported_type"),
        (b"text", "noextension", "unsupported_type"),
        (documents.zipped({"a.txt": "x"}), "nested.zip", "unsupported_type"),
        (documents.zipped({"a.txt": "x"}), "a.txt", "unsupported_type"),
        (documents.zipped({"a.txt": "x"}), "a.docx", "unsupported_type"),
        (documents.sheet(), "a.docx", "unsupported_type"),
        (documents.word()[:2000], "a.docx", "corrupt"),
        (documents.word(), "a.pdf", "unsupported_type"),
        (documents.pdf_lines("x"), "a.txt", "unsupported_type"),
        (b"no header", "a.pdf", "corrupt"),
        (b"no database", "a.db", "unsupported_type"),
        (b"SQLite format 3\0" + b"\xff" * 5_000, "a.sqlite", "corrupt"),
        (b"%PDF-1.7\n%%EOF", "a.pdf", "corrupt"),
        (gzip.compress(b"x", mtime=0), "a.csv", "unsupported_type"),
        (os.urandom(5_000), "a.txt", "corrupt"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"), "a.docx", "encrypted"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(500), "a.xlsx", "unsupported_type"),
    ],
)
def test_what_cannot_be_read_says_why(read: Read, content: bytes, name: str, reason: str) -> None:
    assert _reason(read, content, name) == reason


def test_more_than_twenty_million_characters_are_too_much(read: Read) -> None:
    assert _reason(read, b"A line of text.\n" * 1_300_000, "a.txt") == "too_large_text"
    assert _reason(read, b"A line of text.\n" * 6_000_000, "a.md") == "too_large_text"
    assert len(read(b"A line of text.\n" * 1_200_000, "a.txt").text) == 19_200_000


def test_the_samples_are_read_whole(jail: Jail) -> None:
    for path in samples.paths():
        parsed = jail.parse(path, path.name)
        assert 1_500 <= len(parsed.text) <= 3_500
        assert parsed.language == ("ru" if "_ru" in path.name else "en")
    assert sum(path.stat().st_size for path in samples.paths()) < 1_000_000


def _reason(read: Read, content: bytes, name: str) -> str:
    with pytest.raises(ParseFailed) as failed:
        read(content, name)
    return failed.value.reason
