"""What is bisected: commits of a git tree, by ``git bisect`` in a worktree, or patches of a series."""

import hashlib
import re
import shutil
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import msgspec

from gcproto.errors import ExitCode, GcprotoError
from gcproto.kernels import cache
from gcproto.process import tools

Word = Literal["good", "bad", "skip"]
FIRST_BAD = re.compile(r"^([0-9a-f]{40}) is the first '?bad'? commit", re.MULTILINE)
SHORT = 12


class Candidate(msgspec.Struct, frozen=True):
    """A state of the source that can be built.

    Attributes:
        key: the commit, or the number of patches.
        title: of the commit, or of the last patch.

    """

    key: str
    title: str


class Candidates(ABC):
    """The states between a good and a bad one, in the order in which a bisection asks for them."""

    @abstractmethod
    def ends(self) -> tuple[Candidate, Candidate]:
        """The good and the bad end."""

    @abstractmethod
    def current(self) -> Candidate | None:
        """The state to be tested next; None if the search is over."""

    @abstractmethod
    def tell(self, word: Word) -> None:
        """What the current state is."""

    @abstractmethod
    def first_bad(self) -> list[Candidate]:
        """The first bad state, when the search is over; several, if skipped states leave it open."""

    @abstractmethod
    def before(self, bad: Candidate) -> Candidate:
        """The state before it."""

    @abstractmethod
    def check_out(self, one: Candidate) -> None:
        """Make the source what it is in that state."""


class Commits(Candidates):
    """Commits of a git repository.

    The files of the user's tree are not touched: a worktree in the cache is checked out, and ``git bisect`` keeps its
    state there.

    Args:
        tree: the user's repository.
        good: a revision;  bad: a later one.

    Raises:
        GcprotoError: it is not a repository, or has no such revisions in that order.

    """

    def __init__(self, tree: Path, good: str, bad: str) -> None:
        self.tree = tree.resolve()
        if not shutil.which("git"):
            raise GcprotoError("a tree can't be bisected: no git", remedy="apt-get install git")
        self._good, self._bad = (self._candidate(text) for text in (good, bad))
        if self._git(self.tree, "merge-base", "--is-ancestor", self._good.key, self._bad.key).code:
            raise GcprotoError(
                f"{good} is not an ancestor of {bad}",
                remedy="give the older revision as --good and the later one as --bad",
                code=ExitCode.USAGE,
            )
        digest = hashlib.sha256(str(self.tree).encode()).hexdigest()[:SHORT]
        self.home = cache.folder("bisect") / f"{self.tree.name}-{digest}"
        self.worktree = self.home / "tree"
        self._over: list[Candidate] = []
        self._begun = False

    def _begin(self) -> None:
        """Begin a search in the worktree; one that was begun there before is given up."""
        self._need_worktree()
        self._git(self.worktree, "bisect", "reset")
        self._note(self._run(self.worktree, "bisect", "start", self._bad.key, self._good.key))
        self._begun = True

    def _need_worktree(self) -> None:
        if (self.worktree / ".git").exists():
            self._run(self.worktree, "reset", "--hard", "-q")
            return
        with cache.writing(str(self.home)):
            self.home.mkdir(parents=True, exist_ok=True)
        self._run(self.tree, "worktree", "prune")
        self._run(self.tree, "worktree", "add", "--detach", "--force", str(self.worktree), self._good.key)

    def ends(self) -> tuple[Candidate, Candidate]:
        """The good and the bad end."""
        return self._good, self._bad

    def current(self) -> Candidate | None:
        """The commit that ``git bisect`` checked out."""
        if not self._begun:
            self._begin()
        return None if self._over else self._candidate("HEAD", self.worktree)

    def tell(self, word: Word) -> None:
        """``git bisect good``, ``bad`` or ``skip``."""
        # A build leaves nothing in the worktree, but a user may have looked for something there.
        self._run(self.worktree, "reset", "--hard", "-q")
        done = self._git(self.worktree, "bisect", word)
        if done.code and "first bad commit could be any of" not in done.out:
            raise GcprotoError("git bisect failed", why=done.err.strip() or done.out.strip(), remedy="see the worktree")
        self._note(done.out)

    def first_bad(self) -> list[Candidate]:
        """What ``git bisect`` found."""
        return self._over

    def before(self, bad: Candidate) -> Candidate:
        """The commit's first parent."""
        return self._candidate(f"{bad.key}^")

    def check_out(self, one: Candidate) -> None:
        """Check a commit out in the worktree."""
        self._need_worktree()
        self._run(self.worktree, "checkout", "-q", "--force", "--detach", one.key)

    def _note(self, said: str) -> None:
        found = FIRST_BAD.search(said)
        if found:
            self._over = [self._candidate(found[1])]
        elif "could be any of" in said:
            self._over = [self._candidate(key) for key in re.findall(r"^([0-9a-f]{40})$", said, re.MULTILINE)]

    def _candidate(self, revision: str, where: Path | None = None) -> Candidate:
        done = self._git(where or self.tree, "log", "-1", "--format=%H %s", f"{revision}^{{commit}}", "--")
        if done.code or not done.out.strip():
            why = done.err.strip().splitlines()
            raise GcprotoError(
                f"{self.tree} has no commit {revision!r}",
                why=why[-1] if why else "",
                remedy="give revisions of a git tree with --tree",
                code=ExitCode.USAGE,
            )
        key, _, title = done.out.strip().partition(" ")
        return Candidate(key, title)

    def _run(self, where: Path, *words: str) -> str:
        done = self._git(where, *words)
        if done.code:
            said = (done.err or done.out).strip().splitlines()
            raise GcprotoError(f"git {words[0]} failed", why=said[-1] if said else f"exit code {done.code}")
        return done.out

    @staticmethod
    def _git(where: Path, *words: str) -> tools.Done:
        return tools.run(["git", "-C", str(where), *words])


class Patches(Candidates):
    """The patches of a series, applied one after the other: a state for each number of them.

    Args:
        titles: of the patches, in order.

    """

    def __init__(self, titles: Sequence[str]) -> None:
        self._titles = list(titles)
        self._words: dict[int, Word] = {0: "good", len(self._titles): "bad"}

    def ends(self) -> tuple[Candidate, Candidate]:
        """Without patches, and with all."""
        return self._at(0), self._at(len(self._titles))

    def current(self) -> Candidate | None:
        """The untested state nearest to the middle of what is left."""
        good, bad = self._bounds()
        left = [number for number in range(good + 1, bad) if number not in self._words]
        return self._at(min(left, key=lambda number: abs(2 * number - good - bad))) if left else None

    def tell(self, word: Word) -> None:
        """What the current state is."""
        one = self.current()
        assert one
        self._words[int(one.key)] = word

    def first_bad(self) -> list[Candidate]:
        """The patches between the last good and the first bad state; more than one if those between were skipped."""
        good, bad = self._bounds()
        return [self._at(number) for number in range(good + 1, bad + 1)]

    def before(self, bad: Candidate) -> Candidate:
        """Without its last patch."""
        return self._at(int(bad.key) - 1)

    def check_out(self, one: Candidate) -> None:
        """Nothing: patches are applied by the build."""

    def _bounds(self) -> tuple[int, int]:
        bad = min(number for number, word in self._words.items() if word == "bad")
        return max(number for number, word in self._words.items() if word == "good" and number < bad), bad

    def _at(self, number: int) -> Candidate:
        return Candidate(str(number), self._titles[number - 1] if number else "without a patch")
