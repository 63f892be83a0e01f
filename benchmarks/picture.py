"""The figures as one picture: for a few kinds a bar for each client, as long as its processor time."""

from __future__ import annotations

from html import escape

from clients import CLIENTS
from kinds import KINDS
from results import BASE, Results

SHOWN = ("wait", "get-tls", "proxy", "blocks", "blocks-tls")
# Narrow, so that it can be read on a phone.
WIDTH, LEFT, RIGHT, ROW, HEAD = 520, 190, 60, 22, 44

STYLE = """
    .ground { fill: #ffffff }
    .ours { fill: #2b6ca3 }
    .other { fill: #b9b6ad }
    .base { fill: #77756f }
    .title { font-weight: bold; fill: #1b1b1b }
    .about { fill: #3c3c3c }
    @media (prefers-color-scheme: dark) {
      .ground { fill: #1a1c1e }
      .ours { fill: #5aa2de }
      .other { fill: #6b6962 }
      .base { fill: #a5a29a }
      .title { fill: #f0f0f0 }
      .about { fill: #cfcfcf }
    }
"""


def picture(results: Results) -> str:
    """Return the picture as SVG."""
    parts: list[str] = []
    height = 12
    for kind in KINDS:
        if kind.name in SHOWN and kind.name in results.kinds:
            lines, used = _panel(results, kind.name, kind.title, height)
            parts += lines
            height += used
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
        'role="img"\n     font-family="Helvetica, Arial, \'Liberation Sans\', sans-serif" font-size="14">\n'
        "  <title>Processor time of each client as a multiple of a bare socket loop; shorter is better</title>\n"
        f"  <style>{STYLE}  </style>\n"
        f'  <rect class="ground" width="{WIDTH}" height="{height}" rx="8"/>\n' + "\n".join(parts) + "\n</svg>\n"
    )


def _panel(results: Results, kind: str, title: str, top: int) -> tuple[list[str], int]:
    ratios = {name: ratio for name in CLIENTS if (ratio := results.ratio(kind, name)) is not None}
    scale = (WIDTH - LEFT - RIGHT) / max(ratios.values())
    size = f" of {results.large >> 20} MiB" if kind.startswith("blocks") else ""
    lines = [
        f'  <text class="title" x="20" y="{top + 20}">{escape(title + size)}: processor time, {escape(BASE)} = 1</text>'
    ]
    for number, (name, ratio) in enumerate(sorted(ratios.items(), key=lambda item: item[1])):
        y = top + 32 + number * ROW
        look = "base" if name == BASE else "ours" if CLIENTS[name].ours else "other"
        lines += [
            f'  <text class="about" x="{LEFT - 8}" y="{y + 14}" text-anchor="end">{escape(name)}</text>',
            f'  <rect class="{look}" x="{LEFT}" y="{y + 2}" width="{ratio * scale:.1f}" height="{ROW - 6}"/>',
            f'  <text class="about" x="{LEFT + ratio * scale + 6:.1f}" y="{y + 14}">{ratio:.2f}</text>',
        ]
    return lines, HEAD + len(ratios) * ROW
