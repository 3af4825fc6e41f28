"""A heap dump of another runtime, described page by page, and what a collection of it is predicted to take."""

import msgspec


class GranuleShare(msgspec.Struct, frozen=True):
    """Whole granules.

    Attributes:
        bytes: of a granule.
        granules: with an object on them.
        whole: of these, those that are live densely enough to be moved as they are.
        live_share: share of all live bytes that lie on them.

    """

    bytes: int
    granules: int
    whole: int
    live_share: float


class PolicyTime(msgspec.Struct, frozen=True):
    """Predicted time from flip to drain of a heap that stands still, by one policy.

    Attributes:
        memory: folios of the heap;  policy: of evacuation, or a mode.
        ms: predicted.
        error: largest relative error of the same model for workloads that it was not fitted on.
        fitted: workloads that it was fitted on.

    """

    memory: str
    policy: str
    ms: float
    error: float
    fitted: int


class Inspection(msgspec.Struct, frozen=True):
    """A heap dump.

    Attributes:
        file: name;  source: format and runtime;  layout: what sizes were computed with.
        objects, live_objects, bytes, live_bytes: of all objects, and of those that roots lead to.
        references: that are not null;  across: of these, those to another page.
        roots: objects that something outside of the heap refers to.
        page_bytes: of the pages that follow;  pages: with an object on them, after packing;  empty: of these, those
            without a live byte.
        histogram: pages with an object by their live bytes: none, up to 10 %, ... up to 90 %, less than all, all.
        dense_permille: from which pages and granules count as dense.
        prefix: pages of the dense prefix.
        runs: of neighbouring dense pages: how many, by their length up to 1, 2, 4, ... pages.
        granules: what could be moved whole.
        changes: what was changed, in words.
        times: predicted, the best policy of each memory first;  unpredicted: why there are none, "" if there are.

    """

    file: str
    source: str
    layout: str
    objects: int
    live_objects: int
    bytes: int
    live_bytes: int
    references: int
    across: int
    roots: int
    page_bytes: int
    pages: int
    empty: int
    histogram: list[int]
    dense_permille: int
    prefix: int
    runs: dict[int, int]
    granules: list[GranuleShare]
    changes: list[str]
    times: list[PolicyTime] = []
    unpredicted: str = ""
