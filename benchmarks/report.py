"""The figures as Markdown, and the page that shows them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from statistics import median

from budgets import budgets
from clients import CLIENTS
from kinds import GROWTH, HEADS, KINDS, SMALL_REQUESTS, STREAMS, WAYS, Kind
from measure import IDLE_CONNECTIONS, Figures
from picture import picture
from results import BASE, Results

DOCS = Path(__file__).parent.parent / "docs"
BEGIN, END = "<!-- measured: begin -->\n", "<!-- measured: end -->\n"

Cell = Callable[[Figures, "float | None"], str]


def markdown(results: Results) -> str:
    """Return all tables."""
    measured = [kind for kind in KINDS if kind.name in results.kinds]
    small = [kind for kind in measured if kind.group == SMALL_REQUESTS]
    streams = [kind for kind in measured if kind.group == STREAMS]
    ways, heads, growth = ([kind for kind in measured if kind.group == group] for group in (WAYS, HEADS, GROWTH))
    size = f"{results.large >> 20} MiB"
    parts = [
        _table("Budgets", ["path", "measured", "at most", "unit"], _budget_rows(results)),
        _matrix(results, small, "Requests: processor time in µs, and as a multiple of the bare loop", _cpu_small),
        _matrix(results, small, "Requests: wall time in µs", _wall_small),
        _matrix(
            results,
            ways,
            "By proxies, and a file sent: processor time in µs, and as a multiple of the loop",
            _cpu_small,
        ),
        _matrix(results, growth, "Much of something: processor time in µs, and as a multiple of the loop", _cpu_small),
        _matrix(results, heads, f"read(65536) of {size} behind six heads: processor time in ms", _cpu),
        _matrix(results, streams, f"A body of {size}: processor time in ms, and as a multiple of the bare loop", _cpu),
        _matrix(results, streams, f"A body of {size}: wall time in ms", _wall),
        _matrix(results, [*small[:1], *streams], "Most memory of the process in MiB", _peak),
        _table("Imports: processor time and wall time", ["module", "CPU ms", "wall ms"], _import_rows(results)),
        _table(
            f"Memory for each of {IDLE_CONNECTIONS:,} kept connections",
            ["client", "KiB"],
            [[name, f"{held / 1024:.1f}"] for name, held in results.idle.items()],
        ),
        _conditions(results),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def write_docs(results: Results) -> None:
    """Put tables and picture into the page; the text around them stays."""
    page = DOCS / "performance.md"
    text = page.read_text()
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    page.write_text(f"{before}{BEGIN}\n{markdown(results)}\n{END}{after}")
    (DOCS / "_static" / "performance.svg").write_text(picture(results))


def _table(title: str, head: list[str], rows: list[list[str]]) -> str:
    if not rows:
        return ""
    lines = [head, ["---", *("---:" for _ in head[1:])], *rows]
    return f"**{title}**\n\n" + "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _matrix(results: Results, kinds: list[Kind], title: str, cell: Cell) -> str:
    names = [name for name in CLIENTS if any(name in results.kinds[kind.name] for kind in kinds)]
    rows = [[name, *(_cell(results, kind, name, cell) for kind in kinds)] for name in names]
    return _table(title, ["client", *(kind.title for kind in kinds)], rows) if kinds else ""


def _cell(results: Results, kind: Kind, name: str, cell: Cell) -> str:
    figures = results.kinds[kind.name].get(name)
    if figures is None:
        return ""
    return cell(figures, results.ratio(kind.name, name))


def _cpu_small(figures: Figures, ratio: float | None) -> str:
    return _with_ratio(f"{median(figures.cpu) * 1e6:.0f}", ratio)


def _wall_small(figures: Figures, ratio: float | None) -> str:
    return f"{median(figures.wall) * 1e6:.0f}"


def _cpu(figures: Figures, ratio: float | None) -> str:
    return _with_ratio(f"{median(figures.cpu) * 1e3:.0f}", ratio)


def _wall(figures: Figures, ratio: float | None) -> str:
    return f"{median(figures.wall) * 1e3:.0f}"


def _peak(figures: Figures, ratio: float | None) -> str:
    return f"{figures.peak / (1 << 20):.0f}"


def _with_ratio(time: str, ratio: float | None) -> str:
    return time if ratio is None else f"{time} · **{ratio:.2f}**"


def _budget_rows(results: Results) -> list[list[str]]:
    rows = []
    for budget in budgets(results):
        if budget.value is not None:
            mark = "" if budget.kept else " (over)"
            rows.append([budget.path, f"{budget.value:.2f}{mark}", f"{budget.must:.2f}", budget.unit])
    return rows


def _import_rows(results: Results) -> list[list[str]]:
    return [
        [f"`{name}`", f"{median(figures.cpu) * 1e3:.1f}", f"{median(figures.wall) * 1e3:.1f}"]
        for name, figures in results.imports.items()
    ]


def _conditions(results: Results) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in results.versions.items() if name != "system")
    apart = "nginx on one core, the clients on another" if results.confined else "no cores assigned"
    said = (
        f"Measured {results.when} with {versions}; {results.versions['system']}; {apart}. Medians over "
        f"{results.passes} interleaved passes; ratios are to the {BASE} of the same pass."
    )
    lines = [said]
    for name, reasons in results.left_out.items():
        lines += [f"Left out: {name}, {', '.join(kinds)}: {why}" for why, kinds in reasons.items()]
    return "\n\n".join(lines)
