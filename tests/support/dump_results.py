"""A result of ``gcproto heap inspect``."""

from gcproto.results.schema import DumpExperiment, GranuleShare, Inspection, PolicyTime, Result
from tests.support.result_maker import result

FOUND = Inspection(
    file="app.hprof.gz",
    source="HPROF of HotSpot",
    layout="HotSpot, compressed references and classes",
    objects=1000,
    live_objects=400,
    bytes=8 << 20,
    live_bytes=2 << 20,
    references=1500,
    across=900,
    roots=30,
    page_bytes=4096,
    pages=2048,
    empty=100,
    histogram=[100, 0, 0, 48, 0, 0, 0, 0, 0, 0, 900, 1000],
    dense_permille=950,
    prefix=600,
    runs={1: 3, 1024: 1},
    granules=[GranuleShare(4096, 2048, 1100, 0.75), GranuleShare(2 << 20, 4, 1, 0.4)],
    changes=["30 weak references as strong"],
    times=[PolicyTime("small", "move", 1.25, 0.2, 5), PolicyTime("small", "copy", 2.5, 0.1, 5)],
)


def dump_result() -> Result:
    made = result([], experiment=DumpExperiment("app.hprof.gz"))
    made.run_id = "dddddddddddd"
    made.inspection = FOUND
    return made
