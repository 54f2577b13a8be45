"""Memberships over time kept in plain Python, one set a run: what the tables must tell."""

from dataclasses import dataclass, field

Pair = tuple[str, str]
Stay = tuple[str, str, int, int | None]


@dataclass
class Reference:
    """What each instant's last run said, by instant."""

    said: dict[int, frozenset[Pair]] = field(default_factory=dict)

    def run(self, instant: int, pairs: set[Pair]) -> None:
        self.said[instant] = frozenset(pairs)

    def members_on(self, instant: int) -> frozenset[Pair]:
        before = [at for at in self.said if at <= instant]
        return self.said[max(before)] if before else frozenset()

    def stays(self) -> list[Stay]:
        found: list[Stay] = []
        instants = sorted(self.said)
        for pair in sorted(set().union(*self.said.values())):
            entered: int | None = None
            for at in instants:
                if pair in self.said[at]:
                    entered = at if entered is None else entered
                elif entered is not None:
                    found.append((*pair, entered, at))
                    entered = None
            if entered is not None:
                found.append((*pair, entered, None))
        return sorted(found, key=lambda stay: stay[:3])
