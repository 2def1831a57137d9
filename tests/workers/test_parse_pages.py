"""Of a web page the text is kept, and not what surrounds it."""

import pytest

from tests.workers.documents import PROSE
from workers.parse import page, web

SIDE = '<nav><a href="/">Home</a></nav>'


def _read(body: str) -> str:
    return web.read(f"<html><body>{body}</body></html>".encode()).text


@pytest.mark.parametrize(
    "around",
    [
        SIDE,
        "<header>Home</header>",
        "<footer>Home</footer>",
        "<aside>Home</aside>",
        '<div role="navigation">Home</div>',
        "<div class='navheader big'><table><tr><td>Home</td></tr></table></div>",
        "<div class=navfooter>Home</div>",
        '<div class="sphinxsidebar"><div><ul><li>Home</ul></div></div>',
        '<DIV CLASS="related">Home</DIV>',
        '<div id="sidebar">Home</div>',
    ],
)
def test_what_surrounds_the_text_is_left_out(around: str) -> None:
    assert _read(f"{around}<h1>Fog</h1><p>{PROSE}</p>{around}<p>End.</p>") == f"# Fog\n\n{PROSE.strip()}\n\nEnd."


@pytest.mark.parametrize(
    "opening", ["<main>", "<article>", '<div role="main">', '<div class="body">', '<div id="content">']
)
def test_the_main_part_is_preferred_with_its_own_header_notes_and_footer(opening: str) -> None:
    closing = f"</{opening[1:].split('>')[0].split()[0]}>"
    inner = f"<h1>Fog</h1><p>{PROSE}</p>"
    if opening in ("<main>", "<article>"):
        inner = f"<header><h1>Fog</h1></header><p>{PROSE}</p><aside>A note.</aside><footer>Signed.</footer>"
    read = _read(f"<div>Menu</div>{opening}{SIDE}{inner}{closing}<div>Imprint</div>")
    assert read.startswith(f"# Fog\n\n{PROSE.strip()}")
    assert not any(word in read for word in ("Menu", "Home", "Imprint"))
    assert ("A note." in read and "Signed." in read) == (opening in ("<main>", "<article>"))


def test_a_main_part_that_holds_little_of_the_text_is_not_all_of_it() -> None:
    assert "ferry" in _read(f"<article>A teaser.</article><p>{PROSE}</p>")


def test_several_articles_are_one_text() -> None:
    read = _read(f"{SIDE}<article><p>First. {PROSE}</p></article><hr><article><p>Second.</p></article>")
    assert "First." in read
    assert "Second." in read


def test_a_title_in_the_banner_is_kept() -> None:
    assert _read(f"<header>{SIDE}<h1>Fog</h1></header><main><p>{PROSE}</p></main>").startswith("# Fog\n")


def test_permalinks_are_left_out() -> None:
    links = '<a class="headerlink" href="#fog" title="Permalink">¶</a><a href="#fog">#</a><a href="#a">&para;</a>'
    assert _read(f"<h1>Fog{links}</h1><p>{PROSE}</p>") == f"# Fog\n\n{PROSE.strip()}"


def test_a_page_of_nothing_but_navigation_is_kept() -> None:
    assert "Harbour" in _read("<nav>" + "<a href='/x'>Harbour</a> " * 9 + "</nav>")


def test_a_part_that_never_ends_takes_no_text_with_it() -> None:
    assert "ferry" in _read(f"<div><nav>Home<p>{PROSE}</p></div><p>End.</p>")
    assert "End." in _read(f"<nav>Home</nav></div></section><p>{PROSE}</p></p></b><p>End.")


def test_broken_markup_is_no_burden() -> None:
    for broken in ("<div>" * 50_000 + "</b>" * 50_000, "<" * 200_000, "<nav " * 50_000, "<p><nav></nav>" * 20_000):
        page.text_of(broken + "text")
