"""Bar charts as inline SVG: no script, no style attribute, colours by class, every text escaped by Markup."""

import re
from collections.abc import Sequence

from markupsafe import Markup

from app.reports.schemas import Bin

# Control codes, and marks that turn the text behind them around: what documents say must not disguise the page.
_UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")

WIDTH, HEIGHT = 520, 130
INTERVAL = 44
BOTTOM, TOP, SIDE = 22, 16, 6
_SVG = Markup('<svg class="chart" viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>')
_RECT = Markup('<rect class="{}" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"><title>{}</title></rect>')
_TEXT = Markup('<text class="{}" x="{:.1f}" y="{:.1f}" text-anchor="{}">{}</text>')
_INTERVAL = Markup('<svg class="interval" viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>')
_POINT = Markup('<circle class="{}" cx="{:.1f}" cy="{:.1f}" r="9"><title>{}</title></circle>')
_LINE = Markup('<line class="{}" x1="{:.1f}" y1="{:.1f}" x2="{:.1f}" y2="{:.1f}"/>')


def plain(text: str) -> str:
    """`text` with a replacement character for each that is not fit to be shown. It is not escaped yet."""
    return _UNSAFE.sub("\ufffd", text)


def histogram(bins: Sequence[Bin], *, label: str, threshold: float | None = None) -> Markup:
    """Accepted rows below, dropped ones stacked above them, over each bin; a dashed line at the threshold."""
    if not bins:
        return Markup("")
    single = all(bin_.low == bin_.high for bin_ in bins)
    most = max(bin_.accepted + bin_.dropped for bin_ in bins) or 1
    slot = (WIDTH - 2 * SIDE) / len(bins)
    thick = min(slot * 0.86, 60.0)
    parts = [_LINE.format("axis", SIDE, HEIGHT - BOTTOM, WIDTH - SIDE, HEIGHT - BOTTOM)]
    for i, bin_ in enumerate(bins):
        x = SIDE + slot * i + (slot - thick) / 2
        parts += _stack(bin_, x, thick, most, single)
    parts += _labels(bins, slot, single)
    if threshold is not None:
        x = _place(bins, slot, threshold, single)
        parts.append(_LINE.format("threshold", x, TOP - 6, x, HEIGHT - BOTTOM))
        anchor = "end" if x > WIDTH / 2 else "start"
        parts.append(_TEXT.format("mark", x + (-4 if anchor == "end" else 4), TOP - 5, anchor, f"gate {threshold:g}"))
    return _SVG.format(WIDTH, HEIGHT, plain(label), Markup("").join(parts))


def interval(low: float, value: float, high: float, most: float, label: str) -> Markup:
    """A value with its interval on a line from -most to most, zero in the middle; green or red where it leaves zero."""
    middle, y = WIDTH / 2, INTERVAL / 2
    at = [middle + (WIDTH / 2 - 2 * SIDE) * max(-1.0, min(1.0, number / most)) for number in (low, value, high)]
    kind = "gain" if low > 0 else "loss" if high < 0 else "unclear"
    parts = [
        _LINE.format("axis", middle, 0, middle, INTERVAL),
        _LINE.format(f"span {kind}", at[0], y, max(at[2], at[0] + 1), y),
        _POINT.format(kind, at[1], y, plain(label)),
    ]
    return _INTERVAL.format(WIDTH, INTERVAL, plain(label), Markup("").join(parts))


def _stack(bin_: Bin, x: float, thick: float, most: int, single: bool) -> list[Markup]:
    """The two parts of one bar; what there is of is drawn at least a pixel high."""
    values = f"{bin_.low:g}" if single else f"{bin_.low:g} to {bin_.high:g}"
    base, found = float(HEIGHT - BOTTOM), []
    for name, count in (("accepted", bin_.accepted), ("dropped", bin_.dropped)):
        if count:
            high = max(1.0, (HEIGHT - BOTTOM - TOP) * count / most)
            base -= high
            found.append(_RECT.format(name, x, base, thick, high, f"{values}: {count:,} {name}"))
    return found


def _labels(bins: Sequence[Bin], slot: float, single: bool) -> list[Markup]:
    y = HEIGHT - 7
    if single:
        return [_TEXT.format("tick", SIDE + slot * (i + 0.5), y, "middle", f"{b.low:g}") for i, b in enumerate(bins)]
    middle = bins[len(bins) // 2].low
    return [
        _TEXT.format("tick", SIDE, y, "start", f"{bins[0].low:g}"),
        _TEXT.format("tick", SIDE + slot * (len(bins) // 2), y, "middle", f"{middle:g}"),
        _TEXT.format("tick", WIDTH - SIDE, y, "end", f"{bins[-1].high:g}"),
    ]


def _place(bins: Sequence[Bin], slot: float, value: float, single: bool) -> float:
    """Where a value lies on the axis; between two bars of single values, before the first one not below it."""
    if single:
        return SIDE + slot * sum(bin_.high < value for bin_ in bins)
    low, high = bins[0].low, bins[-1].high
    share = (value - low) / (high - low) if high > low else 0.0
    return SIDE + slot * len(bins) * min(1.0, max(0.0, share))


def bar(accepted: float, dropped: float, most: float, *, label: str) -> Markup:
    """One thin horizontal bar for a row of a table: two parts of `most`."""
    width, high, most = 200.0, 10.0, most or 1.0
    first, second = width * accepted / most, width * dropped / most
    parts = [_RECT.format("track", 0, 0, width, high, label)]
    if accepted:
        parts.append(_RECT.format("accepted", 0, 0, max(1.0, first), high, label))
    if dropped:
        parts.append(_RECT.format("dropped", first, 0, max(1.0, second), high, label))
    return Markup(
        '<svg class="bar" viewBox="0 0 200 10" preserveAspectRatio="none" role="img" aria-label="{}">{}</svg>'
    ).format(label, Markup("").join(parts))
