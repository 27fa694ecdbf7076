"""The table of docs/guide/providers.md: `python -m tests.repo.capabilities_table` prints it."""

import sys

from domain.flags.provider import CAPABILITIES, Capability, ProviderKind


def capabilities_table() -> str:
    """Return the table with one row per capability and one column per kind of provider."""
    lines = [f"| a stage can | {' | '.join(kind.label for kind in ProviderKind)} |", "|---" * (len(ProviderKind) + 1) + "|"]
    for each in Capability:
        cells = ("yes" if each in CAPABILITIES[kind] else "no" for kind in ProviderKind)
        lines.append(f"| {each.in_words} | {' | '.join(cells)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.stdout.write(capabilities_table() + "\n")
