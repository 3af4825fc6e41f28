"""The thread's claims, T1 to T16, each with its judge.

Barry Song, Lokesh Gidra, Suren Baghdasaryan and David Hildenbrand on "mm: Fix kernel BUG when userfaultfd_move
encounters swapcache" (linux-mm, February 2025).
"""

from gcproto.claims import judge_bugs, judge_busy, judge_folios, judge_moves, pairs
from gcproto.claims.finding import Claim


def _bench(sources: str, arms: str, granules: str, more: str = "") -> str:
    return f"gcproto bench --sources {sources} --arms {arms} --granules {granules}{more}"


_GC = "gcproto gc --workload lru --live 4m --heap 3x --modes move"
_ART = "gcproto gc --workload lru --live 4m --heap 3x --modes art --memory 64k --verify"
_CACHED = "gcproto gc policies --workloads arrays --memory 64k --policies move --swapped 50 --device loop"

CLAIMS = (
    Claim(
        "T1",
        "A present page is moved by rewriting its folio's index and anon_vma: nothing is copied",
        _bench("small,mthp-64k,thp", "move,copy", "64k,2m"),
        judge_moves.present_is_rewritten,
        ("move",),
    ),
    Claim(
        "T2",
        "A swap entry is moved by copying the entry: the page stays swapped",
        _bench("swapped", "move,copy", "64k", " --swap"),
        judge_moves.swap_entry_is_copied,
        ("move", "zram"),
    ),
    Claim(
        "T3",
        "A swap entry may refer to a folio in the swap cache, and unfixed kernels corrupt or panic",
        "gcproto kernels ab --check --stock-patch native/kernel/no-ksm-copy --patch native/kernel/undo "
        "--hazard swapcache-rmap",
        judge_bugs.unfixed_kernels_corrupt,
        pair=pairs.BUG,
    ),
    Claim(
        "T4",
        "Small folios in the swap cache move, in the rounds tried, with one thread",
        _bench("swapcache", "move", "64k", " --swap"),
        judge_moves.small_in_swap_cache_moves,
        ("move", "zram"),
    ),
    Claim(
        "T5",
        "An mTHP in the swap cache gives EBUSY, whole or in part, also after waiting",
        "gcproto contract --swap swapcache-mthp swapcache-mthp-page swapcache-mthp-written",
        judge_busy.mthp_in_swap_cache_is_busy,
        ("move", "loop", "folios"),
    ),
    Claim(
        "T6",
        "A present large folio is always split first, whatever range is asked for",
        _bench("mthp-16k,mthp-64k,mthp-1m,thp", "move,split_move", "64k,2m"),
        judge_folios.large_is_split,
        ("move", "orders"),
    ),
    Claim(
        "T7",
        "The split can fail: pinned, referenced, shared and swap-cached folios give EBUSY, a failed allocation ENOMEM",
        "gcproto contract --swap mthp-pinned-page mthp-referenced mthp-forked swapcache-mthp enomem-page-table",
        judge_busy.split_can_fail,
        ("move", "folios"),
    ),
    Claim(
        "T8",
        "User space must retry or fall back to UFFDIO_COPY",
        _bench("pinned", "move,move_fallback", "64k") + f"; {_GC} --disturb pins --verify",
        judge_busy.heap_falls_back,
        ("move", "pins"),
    ),
    Claim(
        "T9",
        "Returning EBUSY early is better than trying hard",
        f"{_CACHED} --ebusy copy,touch,backoff",
        judge_busy.early_ebusy_is_better,
        ("move", "loop", "folios"),
    ),
    Claim(
        "T10",
        "Where a split is a migration (TAO), moving could be worse than UFFDIO_COPY",
        _bench("mthp-64k", "tao,copy,copy_discard,split_move", "2m", " --threads 1 --threads 2"),
        judge_folios.tao_may_be_worse_than_copy,
        ("move", "folios"),
    ),
    Claim(
        "T11",
        "A whole mTHP could be moved if the range covers it, in one VMA, mapped once",
        _bench("mthp-64k", "move", "64k") + "; gcproto kernels ab --set folios --patch native/kernel/series",
        judge_folios.whole_mthp_could_move,
        ("move", "orders", "folios"),
        pair=pairs.WHOLE,
    ),
    Claim(
        "T12",
        "Moving an mTHP across two page tables is a corner case",
        _bench("mthp-64k,thp", "move", "2m", " --alignment congruent --alignment skewed"),
        judge_folios.across_page_tables,
        ("move", "orders", "folios", "thp"),
    ),
    Claim(
        "T13",
        "Parts of mTHPs will still have to be moved for garbage collection",
        f"{_ART}; {_ART} --granule 64k",
        judge_folios.parts_of_mthps_move,
        ("move", "orders", "folios"),
    ),
    Claim(
        "T14",
        "A collector can evacuate at the granularity of folios",
        "gcproto gc policies --workloads prefix,sparse --memory small,64k,2m",
        judge_folios.granules_of_folios,
        ("move", "orders", "folios", "thp"),
    ),
    Claim(
        "T15",
        "Splitting unmapped folios would let parts of mTHPs survive the swap cache",
        f"{_CACHED}; gcproto kernels ab --set swapcache --patch native/kernel/split-swapcache",
        judge_busy.unmapped_split_would_save,
        ("move", "loop", "folios"),
        pair=pairs.SPLIT,
    ),
    Claim(
        "T16",
        "The ioctl is unusable until the panic is fixed",
        "gcproto doctor",
        judge_bugs.panic_must_be_fixed,
        ("move",),
    ),
)
