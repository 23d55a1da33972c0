"""What was counted, beside what three peers test of the same."""

from __future__ import annotations

from tests.reliability.tally import Counts, Tally

PEERS = ("jupyter_client", "safetensors", "krita-ai-diffusion")
# What their repositories test of it, counted at 8d760b1 (June 2026, 229 tests in all), 24b0b28 (May
# 2026, 100 in Python) and 0217cd2 (August 2026, 290); "-" for nothing.
_ROWS = {
    "hostile messages": ("packers that fail: 5 tests", "-", "-"),
    "kills": ("kernels that die: 4 tests", "-", "a lost connection: 1 test, of a mock"),
    "racing starts": ("-", "-", "-"),
    "strangers": ("no keys or wrong ones: 3 tests", "-", "-"),
    "hostile files": ("-", "2 fuzz targets, 15 scripts in attacks/", "-"),
    "soak": ("-", "-", "-"),
    "pings": ("-", "-", "-"),
}


def _sum(tally: Tally, prefixes: tuple[str, ...], count: str) -> float:
    return sum(row.get(count, 0) for name, row in tally.items() if name.startswith(prefixes))


def _counted(tally: Tally) -> dict[str, str]:
    def of(*prefixes: str, count: str = "rounds") -> str:
        return f"{_sum(tally, prefixes, count):,.0f}"

    soak: Counts = tally.of("soak")
    messages = _sum(tally, ("fuzz messages", "cover messages"), "rounds")
    files = _sum(tally, ("fuzz", "cover"), "rounds") - messages
    day = [f"{soak[k]:,.0f} {k}" for k in ("previews", "edits", "photos", "clients") if k in soak]
    growth = f"; memory +{soak['memory grew by %']:.2f} %" if "memory grew by %" in soak else ""
    return {
        "hostile messages": f"{of('hostile messages')}, {of('fuzz messages', 'cover messages')} to "
        "the reader alone",
        "kills": f"{of('kill backends')} + {of('kill clients')} clients; "
        f"{of('kill backends', count='hits')} hit work under way, lost "
        f"{of('kill', count='lost')}, stuck {of('kill', count='stuck')}",
        "racing starts": f"{of('racing', count='starts')} in {of('racing')} rounds; "
        f"second backends {of('racing', count='second backends')}",
        "strangers": f"{of('strangers', count='attempts')}; "
        f"let in {of('strangers', count='let in')}",
        "hostile files": f"{files:,.0f}; executed {of('fuzz', 'cover', count='executed')}",
        "soak": ", ".join(day) + growth,
        "pings": f"{of('pings', count='pings')} while messages are chewed, p99 "
        f"{tally.of('pings').get('worst p99 ms', 0):.0f} ms for the worst kind",
    }


def printed(tally: Tally, failed: list[str] | None) -> str:
    """The table as Markdown, and how long it took. failed: attacks of this run, if it was one."""
    lines = ["", "| attack | EditGAN | " + " | ".join(PEERS) + " |", "|---|---|---|---|---|"]
    for name, counted in _counted(tally).items():
        lines.append(f"| {name} | {counted} | {' | '.join(_ROWS[name])} |")
    hours = _sum(tally, ("",), "hours")
    ended = "" if failed is None else f"; failed: {', '.join(failed) or 'none'}"
    lines += ["", f"{hours:.1f} hours{ended}"]
    return "\n".join(lines)
