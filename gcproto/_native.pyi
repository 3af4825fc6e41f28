"""Stubs of the native library, made from native/**/*.h by native/build/stubs.py (``make stubs``).

Classes exist only for annotations, not at run time.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, Generic, Literal, TypeVar, overload

T = TypeVar("T")
Fields = Mapping[str, object] | Sequence[object]

class CData:
    """A value of a C type."""

    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...

class Pointer(CData, Generic[T]):
    """A pointer to T, false if it is NULL."""

    def __bool__(self) -> bool: ...
    def __getitem__(self, index: int, /) -> T: ...
    def __setitem__(self, index: int, value: T, /) -> None: ...

class Array(Pointer[T]):
    """An array of T; functions accept it as a pointer."""

    def __len__(self) -> int: ...
    def __iter__(self) -> Iterator[T]: ...

class Integer(CData):
    """The result of a cast to an integer type."""

    def __int__(self) -> int: ...

class Function(CData):
    """A pointer to a function."""

class Buffer:
    """C memory as bytes, not copied."""

    def __buffer__(self, flags: int, /) -> memoryview: ...
    def __len__(self) -> int: ...
    def __getitem__(self, index: slice, /) -> bytes: ...
    def __setitem__(self, index: slice, value: bytes, /) -> None: ...

class Struct(CData):
    """A structure; ``gcproto.structs.numbers_of`` reads its numbers by name."""

class CField:
    """A field of a structure."""

    @property
    def offset(self) -> int: ...
    @property
    def type(self) -> CType: ...

class CType:
    """A C type."""

    @property
    def kind(self) -> str: ...
    @property
    def item(self) -> CType: ...
    @property
    def fields(self) -> list[tuple[str, CField]] | None: ...

class gcp_platform(Struct):
    page_size: int
    pmd_size: int
    pmd_order: int
    has_thp: int
    anon_orders: int
    cpus: int
    llc_bytes: int

class gcp_platform_ptr(gcp_platform, Pointer[gcp_platform]): ...

class gcp_ran(Struct):
    asked: int
    first: int
    last: int
    moves: int

class gcp_ran_ptr(gcp_ran, Pointer[gcp_ran]): ...

class gcp_toucher(Struct):
    """Known to C only."""

class gcp_toucher_ptr(gcp_toucher, Pointer[gcp_toucher]): ...

class gcp_histogram(Struct):
    n: int
    max: int
    sum: int
    counts: Array[int]

class gcp_histogram_ptr(gcp_histogram, Pointer[gcp_histogram]): ...

class gcp_counters(Struct):
    have: int
    split: Array[int]
    split_failed: Array[int]
    anon_fault_alloc: Array[int]
    swpout: Array[int]
    swpin: Array[int]
    thp_split_page: int
    thp_split_pmd: int
    pswpin: int
    pswpout: int

class gcp_counters_ptr(gcp_counters, Pointer[gcp_counters]): ...

class gcp_view(Struct):
    start: int
    pages: int
    have: int
    entries: Pointer[int]
    orders: Pointer[int]
    cached: Pointer[int]
    present: int
    swapped: int
    swapped_cached: int
    zero_pages: int
    order_histogram: Array[int]

class gcp_view_ptr(gcp_view, Pointer[gcp_view]): ...

class gcp_prover(Struct):
    pagemap_fd: int
    kpageflags_fd: int
    vmstat_fd: int
    stat_fd: Array[Array[int]]
    have: int

class gcp_prover_ptr(gcp_prover, Pointer[gcp_prover]): ...

class gcp_uffd(Struct):
    fd: int
    via: int
    features: int
    api_ioctls: int

class gcp_uffd_ptr(gcp_uffd, Pointer[gcp_uffd]): ...

class gcp_uffd_offer(Struct):
    via: int
    device_err: int
    syscall_err: int
    user_err: int
    api_err: int
    register_err: int
    features: int
    api_ioctls: int
    range_ioctls: int
    move_err: int

class gcp_uffd_offer_ptr(gcp_uffd_offer, Pointer[gcp_uffd_offer]): ...

class gcp_outcome(Struct):
    bytes: int
    err: int
    calls: int
    touched: int

class gcp_outcome_ptr(gcp_outcome, Pointer[gcp_outcome]): ...

class gcp_account(Struct):
    moved: int
    move_calls: int
    short_results: int
    copied: int
    copy_calls: int
    zeroed: int
    zeropage_calls: int
    asked: int
    moved_after_ebusy: int
    copied_after_ebusy: int
    already: int
    left: int
    eagain: int
    ebusy: int
    eexist: int
    enoent: int
    remapped: int
    remap_calls: int
    whole: int
    whole_large: int
    part_busy: int
    part_one: int
    part_skewed: int
    part_edge: int
    other_errors: int

class gcp_account_ptr(gcp_account, Pointer[gcp_account]): ...

class gcp_run(Struct):
    dst: int
    src: int
    pages: int

class gcp_run_ptr(gcp_run, Pointer[gcp_run]): ...

class gcp_policy(Struct):
    first: int
    on_ebusy: int
    mode: int
    eagain_limit: int
    granule: int

class gcp_policy_ptr(gcp_policy, Pointer[gcp_policy]): ...

class gcp_frame_order(Struct):
    pairs: int
    adjacent: int
    blocks: int

class gcp_frame_order_ptr(gcp_frame_order, Pointer[gcp_frame_order]): ...

class gcp_source(Struct):
    kind: int
    flags: int
    order: int
    frames: int
    start: int
    pages: int
    seed: int
    view: gcp_view
    frame_order: gcp_frame_order
    child: int
    ring_fd: int
    why: Array[bytes]

class gcp_source_ptr(gcp_source, Pointer[gcp_source]): ...

class gcp_scenario(Struct):
    source: int
    order: int
    arm: int
    skew_pages: int
    granule: int
    pages: int
    cpu: int
    touch_cpu: int
    slow_permille: int
    lose_page: int
    settle: int
    frames: int
    working_set: int
    seed: int

class gcp_scenario_ptr(gcp_scenario, Pointer[gcp_scenario]): ...

class gcp_round(Struct):
    status: int
    err: int
    ns: int
    split_ns: int
    swapin_ns: int
    calls: int
    account: gcp_account
    have: int
    pfn_kept: int
    pfn_changed: int
    contents: int
    source_gone: int
    folios: int
    folios_split: int
    pmd_splits: int
    order_after: Array[int]
    swapped_before: int
    swapped_after: int
    cached_before: int
    frames_pairs: int
    frames_adjacent: int
    frames_blocks: int
    target_pairs: int
    target_adjacent: int
    target_blocks: int
    range_bytes: int
    streamed_bytes: int
    path: Array[bytes]
    reason: Array[bytes]

class gcp_round_ptr(gcp_round, Pointer[gcp_round]): ...

class gcp_map_how(Struct):
    by: int
    ebusy: int
    discard: int
    tolerate: int

class gcp_map_how_ptr(gcp_map_how, Pointer[gcp_map_how]): ...

class gcp_event(Struct):
    start: int
    ns: int
    kind: int
    pages: int

class gcp_event_ptr(gcp_event, Pointer[gcp_event]): ...

class gcp_timeline(Struct):
    events: gcp_event_ptr
    n: int
    capacity: int
    dropped: int
    backwards: int

class gcp_timeline_ptr(gcp_timeline, Pointer[gcp_timeline]): ...

class gcp_tally(Struct):
    n: int
    pages: int
    timed: int
    ns: int

class gcp_tally_ptr(gcp_tally, Pointer[gcp_tally]): ...

class gcp_mutator(Struct):
    world: gcp_world_ptr
    number: int
    tlab: int
    tlab_end: int
    roots: Pointer[int]
    root_count: int
    inside: int
    allocated_bytes: int
    allocated_objects: int
    digest: int
    operations: int
    buffer: int
    ended_ns: int
    cpu_ns: int
    fault: gcp_histogram
    pause: gcp_histogram
    wait: gcp_histogram
    account: gcp_account
    built: int
    slid: int
    updated: int
    fresh: int
    waited: int
    faults: int
    stalls: Array[gcp_tally]
    work: Array[gcp_tally]
    timeline: gcp_timeline

class gcp_mutator_ptr(gcp_mutator, Pointer[gcp_mutator]): ...

class gcp_world(Struct):
    stop: int
    running: int
    wanted: int
    begun: int
    freed: int
    collecting: int
    closing: int
    mutators: int
    oom: int
    partial: int
    vain: int
    begin: int
    limit: int
    top: int
    room: int
    trigger: int
    tlab_bytes: int
    cards: int
    written: int
    requested_ns: int
    stopped_ns: int
    restarted_ns: int
    mutator: Array[gcp_mutator_ptr]

class gcp_world_ptr(gcp_world, Pointer[gcp_world]): ...

class gcp_plan(Struct):
    to: int
    # from: int, a word of Python's: setattr
    dense_end: int
    compact_end: int
    used_end: int
    black_shift: int
    black_begin: int
    kept: int
    live: Pointer[int]
    starts: Pointer[int]
    offsets: Pointer[int]
    first: Pointer[int]
    lead_words: Pointer[int]
    lead_refs: Pointer[int]
    skip: Pointer[int]
    fill: Pointer[int]
    held: Pointer[int]
    reach: Pointer[int]
    young: int
    old_end: int
    cards: Pointer[int]

class gcp_plan_ptr(gcp_plan, Pointer[gcp_plan]): ...

class gcp_fault_costs(Struct):
    delivery: int
    minor_fault: int
    shoot_down: int

class gcp_fault_costs_ptr(gcp_fault_costs, Pointer[gcp_fault_costs]): ...

class gcp_window_config(Struct):
    pages: int
    mutators: int
    collector_by: int
    collector_pages: int
    fault_by: int
    fault_pages: int
    region_pages: int
    handler: int
    no_states: int
    collector_cpu: int
    handler_cpu: int
    mutator_cpu: Array[int]
    late_ns: int
    skew_ns: int
    seed: int

class gcp_window_config_ptr(gcp_window_config, Pointer[gcp_window_config]): ...

class gcp_window_thread(Struct):
    ran: gcp_ran
    late_ns: int
    ns: int
    cpu_ns: int
    queued_ns: int
    access_ns: int
    fault_ns: int

class gcp_window_thread_ptr(gcp_window_thread, Pointer[gcp_window_thread]): ...

class gcp_window_result(Struct):
    err: int
    reason: Array[bytes]
    mutator_ns: int
    collector_ns: int
    access: gcp_histogram
    fault: gcp_histogram
    runs: gcp_histogram
    collector: gcp_account
    faults: gcp_account
    wrong: int
    unmapped: int
    left: int
    wakes: int
    handler_cpu_ns: int
    handler: gcp_ran
    sweeper: gcp_window_thread
    mutator: Array[gcp_window_thread]

class gcp_window_result_ptr(gcp_window_result, Pointer[gcp_window_result]): ...

class gcp_line(Struct):
    weight: float
    pages: float
    squares: float
    ns: float
    products: float
    fixed_ns: int
    page_ps: int

class gcp_line_ptr(gcp_line, Pointer[gcp_line]): ...

class gcp_contest(Struct):
    group: Array[int]
    turn: int
    rest: int
    rests: int
    lost: int
    faults: Array[int]
    ns: Array[int]
    pages: Array[int]
    share: Array[int]

class gcp_contest_ptr(gcp_contest, Pointer[gcp_contest]): ...

class gcp_shown(Struct):
    faults: Array[int]
    ns: Array[int]
    pages: Array[int]
    evacuated: int
    delivery_ns: int
    page_ns: int
    weight: int

class gcp_shown_ptr(gcp_shown, Pointer[gcp_shown]): ...

class gcp_adapt(Struct):
    move: gcp_line
    move_large: gcp_line
    copy: gcp_line
    contest: gcp_contest
    release_ps: int
    update_ns: int
    interrupt_ns: int

class gcp_adapt_ptr(gcp_adapt, Pointer[gcp_adapt]): ...

class gcp_compaction_policy(Struct):
    map_by: int
    fault_by: int
    ready_by: int
    early_by: int
    fault_pages: int
    run_pages: int
    collector_ebusy: int
    mutator_ebusy: int
    register_whole: int
    fresh_by_recycled: int
    handler: int
    flush_bytes: int
    hold_bytes: int
    reserve_pages: int
    remap_pages: int
    granule: int
    folio: int
    whole: int
    large_by: int
    advice: int
    renew: int
    cut_at_tables: int
    compactors: int
    batch_pages: int
    spin: int
    dense_first: int
    adapt: int
    delivery_ns: int
    interrupt_ns: int

class gcp_compaction_policy_ptr(gcp_compaction_policy, Pointer[gcp_compaction_policy]): ...

class gcp_swept(Struct):
    account: gcp_account
    updated: int
    built: int
    slid: int
    empty: int
    recycled: int
    discarded: int
    renewed: int
    renew_ns: int
    flushes: int
    recovered: int
    map_ns: int
    queued_ns: int
    helped: int
    runs: gcp_histogram
    work: Array[gcp_tally]

class gcp_swept_ptr(gcp_swept, Pointer[gcp_swept]): ...

class gcp_compaction(Struct):
    """Known to C only."""

class gcp_compaction_ptr(gcp_compaction, Pointer[gcp_compaction]): ...

class gcp_row(Struct):
    name: Pointer[bytes]
    rule: Pointer[bytes]
    kernels: Pointer[bytes]
    needs: Pointer[bytes]

class gcp_row_ptr(gcp_row, Pointer[gcp_row]): ...

class gcp_row_result(Struct):
    verdict: int
    attempts: int
    ns: int
    text: Array[bytes]

class gcp_row_result_ptr(gcp_row_result, Pointer[gcp_row_result]): ...

class Lib:
    """Constants and functions."""

    GCP_UNKNOWN: Final = 18446744073709551615
    GCP_HISTOGRAM_BUCKETS: Final = 1024
    GCP_MAX_ORDER: Final = 20
    GCP_MTHP_STATS: Final = 5
    GCP_FRAMES_MIN_FOLIOS: Final = 32
    GCP_MEMORY_MIN_PAGES: Final = 4096
    GCP_WORK_SAMPLE: Final = 16
    GCP_WORK_PREEMPTED: Final = 50000
    GCP_WORLD_MUTATORS: Final = 64
    GCP_BUFFER_PAGES: Final = 16
    GCP_CHUNK_WORDS: Final = 64
    GCP_CARD_BYTES: Final = 1024
    GCP_CARD_CLEAN: Final = 0
    GCP_CARD_DIRTY: Final = 1
    GCP_CARD_AGED: Final = 2
    GCP_KEPT: Final = 65535
    GCP_WRITTEN: Final = 4294967295
    GCP_MAX_MUTATORS: Final = 64
    GCP_CONTEST_REGION: Final = 16
    GCP_CONTEST_SHARE: Final = 4
    GCP_CONTEST_FAULTS: Final = 128
    GCP_CONTEST_REST: Final = 8
    GCP_ADAPT_LEAST: Final = 64
    GCP_COMPACTORS: Final = 4
    GCP_ROW_TEXT: Final = 320
    GCP_PROOF_PAGEMAP: Final = 1
    GCP_PROOF_PFN: Final = 2
    GCP_PROOF_KPF: Final = 4
    GCP_PROOF_VMSTAT: Final = 8
    GCP_PROOF_MTHP: Final = 16
    GCP_PROOF_SWPIN: Final = 32
    GCP_VERB_MOVE: Final = 0
    GCP_VERB_COPY: Final = 1
    GCP_VERB_REMAP: Final = 2
    GCP_VERB_ZEROPAGE: Final = 3
    GCP_VERB_REGISTER: Final = 4
    GCP_VERB_UNREGISTER: Final = 5
    GCP_VERB_MADVISE: Final = 6
    GCP_VERB_COUNT: Final = 7
    GCP_VIA_NONE: Final = 0
    GCP_VIA_DEVICE: Final = 1
    GCP_VIA_SYSCALL: Final = 2
    GCP_VIA_USER_MODE: Final = 3
    GCP_MOVE_DONTWAKE: Final = 1
    GCP_MOVE_ALLOW_SRC_HOLES: Final = 2
    GCP_EBUSY_COPY: Final = 0
    GCP_EBUSY_TOUCH: Final = 1
    GCP_EBUSY_BACKOFF: Final = 2
    GCP_EBUSY_LEAVE: Final = 3
    GCP_LIVELOCK_NO: Final = 0
    GCP_LIVELOCK_YES: Final = 1
    GCP_LIVELOCK_UNKNOWN: Final = 2
    GCP_LIVELOCK_OTHER: Final = 3
    GCP_FRAMES_ANY: Final = 0
    GCP_FRAMES_CONSECUTIVE: Final = 1
    GCP_FRAMES_SHUFFLED: Final = 2
    GCP_SOURCE_FOLIOS: Final = 1
    GCP_SOURCE_LARGE: Final = 2
    GCP_SOURCE_SIZED: Final = 4
    GCP_SOURCE_PMD: Final = 8
    GCP_SOURCE_SWAPS: Final = 16
    GCP_SOURCE_ZEROES: Final = 32
    GCP_SOURCE_HOLES: Final = 64
    GCP_SOURCE_FREE: Final = 128
    GCP_SOURCE_UNUSED: Final = 256
    GCP_SOURCE_PLAIN: Final = 0
    GCP_SOURCE_ZERO: Final = 1
    GCP_SOURCE_HOLE: Final = 2
    GCP_SOURCE_FORKED: Final = 3
    GCP_SOURCE_PINNED: Final = 4
    GCP_SOURCE_SWAPPED: Final = 5
    GCP_SOURCE_SWAPCACHE: Final = 6
    GCP_WORKING_SET_ANY: Final = 0
    GCP_WORKING_SET_CACHE: Final = 1
    GCP_WORKING_SET_MEMORY: Final = 2
    GCP_ROUND_VALID: Final = 0
    GCP_ROUND_INVALID: Final = 1
    GCP_ROUND_UNABLE: Final = 2
    GCP_ROUND_FAILED: Final = 3
    GCP_ROUND_DISTURBED: Final = 4
    GCP_ARM_REGISTERS: Final = 1
    GCP_ARM_MOVES: Final = 2
    GCP_ARM_TAKES_FRAMES: Final = 4
    GCP_ARM_READS_CONTENTS: Final = 8
    GCP_ARM_GAUGE: Final = 16
    GCP_ARM_BY_USER: Final = 32
    GCP_ARM_NO_GRANULE: Final = 64
    GCP_ARM_SPLITS: Final = 128
    GCP_ARM_SWAPS_IN: Final = 256
    GCP_ARM_STAYS: Final = 512
    GCP_ARM_HOLES: Final = 1024
    GCP_ARM_NO_SOURCE: Final = 2048
    GCP_ARM_ZEROES: Final = 4096
    GCP_ARM_STAGES: Final = 8192
    GCP_ARM_DISCARDS: Final = 16384
    GCP_PAGE_UNPROCESSED: Final = 0
    GCP_PAGE_PROCESSING: Final = 1
    GCP_PAGE_PROCESSED: Final = 2
    GCP_PAGE_PROCESSING_AND_MAPPING: Final = 3
    GCP_PAGE_MUTATOR_PROCESSING: Final = 4
    GCP_PAGE_PROCESSED_AND_MAPPING: Final = 5
    GCP_PAGE_PROCESSED_AND_MAPPED: Final = 6
    GCP_FATE_NONE: Final = 0
    GCP_FATE_WHOLE: Final = 87
    GCP_FATE_COPIED: Final = 99
    GCP_FATE_BUSY: Final = 101
    GCP_FATE_MOVED: Final = 109
    GCP_FATE_ZEROED: Final = 122
    GCP_HANDLER_SIGBUS: Final = 0
    GCP_HANDLER_THREAD: Final = 1
    GCP_EVENT_PAUSE: Final = 0
    GCP_EVENT_ALLOCATION: Final = 1
    GCP_EVENT_FAULT_READY: Final = 2
    GCP_EVENT_FAULT_DENSE: Final = 3
    GCP_EVENT_FAULT_BUILT: Final = 4
    GCP_EVENT_FAULT_SLID: Final = 5
    GCP_EVENT_FAULT_FRESH: Final = 6
    GCP_EVENT_FAULT_WAITED: Final = 7
    GCP_EVENT_MAP: Final = 8
    GCP_EVENT_DISCARD: Final = 9
    GCP_EVENT_FAULT_SPURIOUS: Final = 10
    GCP_EVENT_COUNT: Final = 11
    GCP_WORK_BUILD: Final = 0
    GCP_WORK_UPDATE: Final = 1
    GCP_WORK_SLIDE: Final = 2
    GCP_WORK_MOVE_1: Final = 3
    GCP_WORK_MOVE_16: Final = 4
    GCP_WORK_MOVE_128: Final = 5
    GCP_WORK_MOVE_MORE: Final = 6
    GCP_WORK_COPY_1: Final = 7
    GCP_WORK_COPY_16: Final = 8
    GCP_WORK_COPY_128: Final = 9
    GCP_WORK_COPY_MORE: Final = 10
    GCP_WORK_REMAP: Final = 11
    GCP_WORK_ZERO: Final = 12
    GCP_WORK_WAIT: Final = 13
    GCP_WORK_DISCARD: Final = 14
    GCP_WORK_RENEW: Final = 15
    GCP_WORK_COUNT: Final = 16
    GCP_ADVICE_NONE: Final = 0
    GCP_ADVICE_SMALL: Final = 1
    GCP_ADVICE_LARGE: Final = 2
    GCP_VERDICT_OK: Final = 0
    GCP_VERDICT_DIFFERS: Final = 1
    GCP_VERDICT_SKIP: Final = 2
    GCP_VERDICT_HANG: Final = 3
    GCP_VERDICT_CRASH: Final = 4
    def gcp_build_paths(self, /) -> Pointer[bytes]: ...
    def gcp_build_heap(self, /) -> Pointer[bytes]: ...
    def gcp_build_contract(self, /) -> Pointer[bytes]: ...
    def gcp_build_layout(self, /) -> Pointer[bytes]: ...
    def gcp_build_compiler(self, /) -> Pointer[bytes]: ...
    def gcp_build_flags(self, /) -> Pointer[bytes]: ...
    def gcp_now(self, /) -> int: ...
    def gcp_thread_cpu(self, /) -> int: ...
    def gcp_thread_queued(self, /) -> int: ...
    def gcp_span(self, begin: int, end: int, ret: Pointer[int], /) -> int: ...
    def gcp_platform_get(self, ret: Pointer[gcp_platform], /) -> None: ...
    def gcp_region_alloc(self, bytes: int, offset: int, /) -> Pointer[None]: ...
    def gcp_region_free(self, region: Pointer[Any], bytes: int, /) -> int: ...
    def gcp_region_discard(self, start: int, bytes: int, /) -> int: ...
    def gcp_region_page_out(self, start: int, bytes: int, /) -> int: ...
    def gcp_region_small(self, start: int, bytes: int, /) -> int: ...
    def gcp_region_large(self, start: int, bytes: int, /) -> int: ...
    def gcp_region_split(self, start: int, bytes: int, folio_bytes: int, /) -> int: ...
    def gcp_region_populate(self, start: int, bytes: int, /) -> int: ...
    def gcp_region_collapse(self, start: int, bytes: int, /) -> int: ...
    def gcp_pin_cpu(self, cpu: int, /) -> int: ...
    def gcp_lru_drain(self, /) -> int: ...
    def gcp_ran_begin(self, cpu: int, ret: Pointer[gcp_ran], /) -> int: ...
    def gcp_ran_look(self, ran: Pointer[gcp_ran], /) -> None: ...
    def gcp_settle(self, /) -> None: ...
    def gcp_pin(self, start: int, bytes: int, /) -> int: ...
    def gcp_unpin(self, ring_fd: int, /) -> None: ...
    def gcp_content(self, seed: int, page: int, word: int, /) -> int: ...
    def gcp_content_fill(self, start: int, first_page: int, pages: int, seed: int, /) -> None: ...
    def gcp_content_check(self, start: int, first_page: int, pages: int, seed: int, /) -> int: ...
    def gcp_content_check_zero(self, start: int, pages: int, /) -> int: ...
    def gcp_toucher_create(self, cpu: int, ret: Pointer[gcp_toucher_ptr], /) -> int: ...
    def gcp_toucher_await(self, toucher: Pointer[gcp_toucher], /) -> int: ...
    def gcp_toucher_sweeps(self, toucher: Pointer[gcp_toucher], /) -> int: ...
    def gcp_toucher_destroy(self, toucher: Pointer[gcp_toucher], /) -> None: ...
    def gcp_histogram_record(self, histogram: Pointer[gcp_histogram], value: int, /) -> None: ...
    def gcp_histogram_add(self, to: Pointer[gcp_histogram], from_: Pointer[gcp_histogram], /) -> None: ...
    def gcp_histogram_low(self, bucket: int, /) -> int: ...
    def gcp_histogram_quantile(self, histogram: Pointer[gcp_histogram], permille: int, /) -> int: ...
    def gcp_prover_init(self, ret: Pointer[gcp_prover], /) -> int: ...
    def gcp_prover_deinit(self, prover: Pointer[gcp_prover], /) -> None: ...
    def gcp_counters_read(self, prover: Pointer[gcp_prover], ret: Pointer[gcp_counters], /) -> None: ...
    def gcp_view_init(self, pages: int, ret: Pointer[gcp_view], /) -> int: ...
    def gcp_view_deinit(self, view: Pointer[gcp_view], /) -> None: ...
    def gcp_view_read(self, prover: Pointer[gcp_prover], start: int, pages: int, view: Pointer[gcp_view], /) -> int: ...
    def gcp_uffd_open(self, ret_via: Pointer[int], /) -> int: ...
    def gcp_uffd_init(self, features: int, ret: Pointer[gcp_uffd], /) -> int: ...
    def gcp_uffd_deinit(self, uffd: Pointer[gcp_uffd], /) -> None: ...
    def gcp_uffd_probe(self, ret: Pointer[gcp_uffd_offer], /) -> None: ...
    def gcp_uffd_register(
        self,
        uffd: Pointer[gcp_uffd],
        start: int,
        len: int,
        ret_ioctls: Pointer[int],
        /,
    ) -> gcp_outcome: ...
    def gcp_uffd_unregister(self, uffd: Pointer[gcp_uffd], start: int, len: int, /) -> gcp_outcome: ...
    def gcp_uffd_move(self, uffd: Pointer[gcp_uffd], dst: int, src: int, len: int, mode: int, /) -> gcp_outcome: ...
    def gcp_uffd_copy(self, uffd: Pointer[gcp_uffd], dst: int, src: int, len: int, mode: int, /) -> gcp_outcome: ...
    def gcp_uffd_zeropage(self, uffd: Pointer[gcp_uffd], start: int, len: int, mode: int, /) -> gcp_outcome: ...
    def gcp_uffd_poison(self, uffd: Pointer[gcp_uffd], start: int, len: int, mode: int, /) -> gcp_outcome: ...
    def gcp_uffd_wake(self, uffd: Pointer[gcp_uffd], start: int, len: int, /) -> gcp_outcome: ...
    def gcp_account_add(self, to: Pointer[gcp_account], from_: Pointer[gcp_account], /) -> None: ...
    def gcp_inject(self, verb: int, after: int, count: int, err: int, /) -> None: ...
    def gcp_inject_done(self, verb: int, /) -> int: ...
    def gcp_ability_cycles(self, /) -> int: ...
    def gcp_ability_dontunmap(self, /) -> int: ...
    def gcp_ability_pin(self, /) -> int: ...
    def gcp_ability_livelock(self, timeout_ms: int, ret_err: Pointer[int], /) -> int: ...
    def gcp_ability_retry(
        self,
        pages: int,
        granule: int,
        ret_moved: Pointer[int],
        ret_eexist: Pointer[int],
        /,
    ) -> int: ...
    def gcp_evacuate(
        self,
        uffd: Pointer[gcp_uffd],
        runs: Pointer[gcp_run],
        n: int,
        policy: Pointer[gcp_policy],
        account: Pointer[gcp_account],
        ret_stopped: Pointer[gcp_run],
        /,
    ) -> int: ...
    def gcp_frames_name(self, frames: int, /) -> Pointer[bytes]: ...
    def gcp_frames_look(self, view: Pointer[gcp_view], order: int, ret: Pointer[gcp_frame_order], /) -> int: ...
    def gcp_frames_reached(self, frames: int, seen: Pointer[gcp_frame_order], /) -> bool: ...
    def gcp_frames_fill(
        self,
        start: int,
        pages: int,
        order: int,
        frames: int,
        seed: int,
        ret_what: Pointer[Pointer[bytes]],
        /,
    ) -> int: ...
    def gcp_source_name(self, kind: int, /) -> Pointer[bytes]: ...
    def gcp_source_flags(self, kind: int, /) -> int: ...
    def gcp_source_init(
        self,
        prover: Pointer[gcp_prover],
        kind: int,
        order: int,
        frames: int,
        pages: int,
        offset: int,
        seed: int,
        ret: Pointer[gcp_source],
        /,
    ) -> int: ...
    def gcp_source_deinit(self, source: Pointer[gcp_source], /) -> None: ...
    def gcp_sharer_start(self, /) -> int: ...
    def gcp_sharer_stop(self, child: int, /) -> None: ...
    def gcp_working_set_name(self, working_set: int, /) -> Pointer[bytes]: ...
    def gcp_arm_name(self, arm: int, /) -> Pointer[bytes]: ...
    def gcp_arm_flags(self, arm: int, /) -> int: ...
    def gcp_arm_find(self, name: Pointer[bytes] | bytes, /) -> int: ...
    def gcp_round_run(
        self,
        prover: Pointer[gcp_prover],
        scenario: Pointer[gcp_scenario],
        ret: Pointer[gcp_round],
        /,
    ) -> int: ...
    def gcp_timeline_init(self, capacity: int, ret: Pointer[gcp_timeline], /) -> int: ...
    def gcp_timeline_deinit(self, timeline: Pointer[gcp_timeline], /) -> None: ...
    def gcp_world_create(self, begin: int, limit: int, tlab_bytes: int, cards: int, /) -> gcp_world_ptr: ...
    def gcp_world_destroy(self, world: Pointer[gcp_world], /) -> None: ...
    def gcp_mutator_create(self, world: Pointer[gcp_world], roots: int, events: int, /) -> gcp_mutator_ptr: ...
    def gcp_mutator_enter(self, mutator: Pointer[gcp_mutator], /) -> None: ...
    def gcp_mutator_leave(self, mutator: Pointer[gcp_mutator], /) -> None: ...
    def gcp_mutator_measure(self, mutator: Pointer[gcp_mutator], /) -> None: ...
    def gcp_mutator_ended(self, mutator: Pointer[gcp_mutator], /) -> None: ...
    def gcp_mutator_park(self, mutator: Pointer[gcp_mutator], /) -> None: ...
    def gcp_mutator_refill(self, mutator: Pointer[gcp_mutator], bytes: int, /) -> int: ...
    def gcp_world_stop(self, world: Pointer[gcp_world], /) -> None: ...
    def gcp_world_start(self, world: Pointer[gcp_world], /) -> None: ...
    def gcp_world_retire(self, world: Pointer[gcp_world], /) -> None: ...
    def gcp_world_slide(self, world: Pointer[gcp_world], from_: int, by: int, /) -> None: ...
    def gcp_world_await(self, world: Pointer[gcp_world], ms: int, /) -> int: ...
    def gcp_world_begin(self, world: Pointer[gcp_world], /) -> None: ...
    def gcp_world_freed(self, world: Pointer[gcp_world], /) -> None: ...
    def gcp_world_finish(self, world: Pointer[gcp_world], /) -> None: ...
    def gcp_world_ask(self, world: Pointer[gcp_world], /) -> None: ...
    def gcp_world_close(self, world: Pointer[gcp_world], /) -> None: ...
    def gcp_fault_costs_measure(self, worker: int, other: int, ret: Pointer[gcp_fault_costs], /) -> int: ...
    def gcp_window_run(self, config: Pointer[gcp_window_config], ret: Pointer[gcp_window_result], /) -> int: ...
    def gcp_line_init(self, line: Pointer[gcp_line], fixed_ns: int, page_ps: int, /) -> None: ...
    def gcp_line_add(self, line: Pointer[gcp_line], pages: int, ns: int, /) -> None: ...
    def gcp_line_ns(self, line: Pointer[gcp_line], pages: int, /) -> int: ...
    def gcp_contest_init(self, contest: Pointer[gcp_contest], group: int, /) -> None: ...
    def gcp_contest_arm(self, contest: Pointer[gcp_contest], index: int, /) -> int: ...
    def gcp_contest_end(self, contest: Pointer[gcp_contest], seen: Pointer[gcp_shown], /) -> None: ...
    def gcp_adapt_init(self, adapt: Pointer[gcp_adapt], interrupt_ns: int, /) -> None: ...
    def gcp_adapt_verb(self, adapt: Pointer[gcp_adapt], pages: int, large: int, /) -> int: ...
    def gcp_adapt_run(self, adapt: Pointer[gcp_adapt], pages: int, /) -> int: ...
    def gcp_adapt_updated(self, adapt: Pointer[gcp_adapt], ns: int, /) -> None: ...
    def gcp_adapt_released(self, adapt: Pointer[gcp_adapt], pages: int, ns: int, /) -> None: ...
    def gcp_adapt_add(self, adapt: Pointer[gcp_adapt], verb: int, large: int, pages: int, ns: int, /) -> None: ...
    def gcp_compaction_create(
        self,
        to: int,
        from_: int,
        bytes: int,
        policy: Pointer[gcp_compaction_policy],
        ret_err: Pointer[int],
        /,
    ) -> gcp_compaction_ptr: ...
    def gcp_compaction_destroy(self, compaction: Pointer[gcp_compaction], /) -> None: ...
    def gcp_compaction_plan(self, compaction: Pointer[gcp_compaction], /) -> gcp_plan_ptr: ...
    def gcp_compaction_flip(self, compaction: Pointer[gcp_compaction], /) -> int: ...
    def gcp_compaction_orders(self, compaction: Pointer[gcp_compaction], /) -> Pointer[int]: ...
    def gcp_compaction_open(
        self,
        compaction: Pointer[gcp_compaction],
        produce: Function,
        ahead: Function,
        /,
    ) -> None: ...
    def gcp_compaction_sweep(self, compaction: Pointer[gcp_compaction], ret: Pointer[gcp_swept], /) -> int: ...
    def gcp_compaction_close(self, compaction: Pointer[gcp_compaction], /) -> int: ...
    def gcp_compaction_recover(self, compaction: Pointer[gcp_compaction], ret: Pointer[gcp_swept], /) -> int: ...
    def gcp_compaction_store_all(
        self,
        compaction: Pointer[gcp_compaction],
        produce: Function,
        ret: Pointer[gcp_swept],
        /,
    ) -> None: ...
    def gcp_compaction_release(self, compaction: Pointer[gcp_compaction], /) -> int: ...
    def gcp_compaction_remap(self, compaction: Pointer[gcp_compaction], /) -> int: ...
    def gcp_compaction_fates(self, compaction: Pointer[gcp_compaction], /) -> Pointer[int]: ...
    def gcp_compaction_reason(self, compaction: Pointer[gcp_compaction], /) -> Pointer[bytes]: ...
    def gcp_compaction_adapt(self, compaction: Pointer[gcp_compaction], /) -> gcp_adapt_ptr: ...
    def gcp_compaction_timeline(self, compaction: Pointer[gcp_compaction], /) -> gcp_timeline_ptr: ...
    def gcp_compaction_helper(self, compaction: Pointer[gcp_compaction], /) -> gcp_mutator_ptr: ...
    def gcp_compaction_helper_cpu(self, compaction: Pointer[gcp_compaction], /) -> int: ...
    def gcp_compaction_helper_pin(self, compaction: Pointer[gcp_compaction], cpu: int, /) -> int: ...
    def gcp_compaction_helper_ran(self, compaction: Pointer[gcp_compaction], /) -> gcp_ran: ...
    def gcp_compaction_compactor_pin(self, compaction: Pointer[gcp_compaction], number: int, cpu: int, /) -> int: ...
    def gcp_drill_run(self, name: Pointer[bytes] | bytes, timeout_ms: int, ret: Pointer[gcp_row_result], /) -> int: ...
    def gcp_contract_count(self, /) -> int: ...
    def gcp_contract_row(self, index: int, /) -> gcp_row_ptr: ...
    def gcp_contract_find(self, name: Pointer[bytes] | bytes, /) -> int: ...
    def gcp_contract_run(self, index: int, timeout_ms: int, ret: Pointer[gcp_row_result], /) -> int: ...
    def gcp_contract_ktap_lines(
        self,
        number: int,
        row: Pointer[gcp_row],
        result: Pointer[gcp_row_result],
        ret: Pointer[bytes] | bytes,
        size: int,
        /,
    ) -> int: ...

class FFI:
    """What this project uses of cffi."""

    NULL: Any  # fits every pointer
    errno: int
    @overload
    def new(self, ctype: Literal["struct gcp_platform *"], init: Fields = ..., /) -> gcp_platform_ptr: ...
    @overload
    def new(self, ctype: Literal["struct gcp_ran *"], init: Fields = ..., /) -> gcp_ran_ptr: ...
    @overload
    def new(self, ctype: Literal["struct gcp_histogram *"], init: Fields = ..., /) -> gcp_histogram_ptr: ...
    @overload
    def new(self, ctype: Literal["struct gcp_counters *"], init: Fields = ..., /) -> gcp_counters_ptr: ...
    @overload
    def new(self, ctype: Literal["struct gcp_view *"], init: Fields = ..., /) -> gcp_view_ptr: ...
    @overload
    def new(self, ctype: Literal["struct gcp_prover *"], init: Fields = ..., /) -> gcp_prover_ptr: ...
    @overload
    def new(self, ctype: Literal["struct gcp_uffd *"], init: Fields = ..., /) -> gcp_uffd_ptr: ...
    @overload
    def new(self, ctype: Literal["struct gcp_uffd_offer *"], init: Fields = ..., /) -> gcp_uffd_offer_ptr: ...
    @overload
    def new(self, ctype: Literal["struct gcp_outcome *"], init: Fields = ..., /) -> gcp_outcome_ptr: ...
    @overload
    def new(self, ctype: Literal["struct gcp_account *"], init: Fields = ..., /) -> gcp_account_ptr: ...
    @overload
    def new(self, ctype: Literal["struct gcp_run *"], init: Fields = ..., /) -> gcp_run_ptr: ...
    @overload
    def new(self, ctype: Literal["struct gcp_policy *"], init: Fields = ..., /) -> gcp_policy_ptr: ...
    @overload
    def new(self, ctype: Literal["struct gcp_frame_order *"], init: Fields = ..., /) -> gcp_frame_order_ptr: ...
    @overload
    def new(self, ctype: Literal["struct gcp_source *"], init: Fields = ..., /) -> gcp_source_ptr: ...
    @overload
    def new(self, ctype: Literal["struct gcp_scenario *"], init: Fields = ..., /) -> gcp_scenario_ptr: ...
    @overload
    def new(self, ctype: Literal["struct gcp_round *"], init: Fields = ..., /) -> gcp_round_ptr: ...
    @overload
    def new(self, ctype: Literal["struct gcp_map_how *"], init: Fields = ..., /) -> gcp_map_how_ptr: ...
    @overload
    def new(self, ctype: Literal["struct gcp_event *"], init: Fields = ..., /) -> gcp_event_ptr: ...
    @overload
    def new(self, ctype: Literal["struct gcp_timeline *"], init: Fields = ..., /) -> gcp_timeline_ptr: ...
    @overload
    def new(self, ctype: Literal["struct gcp_tally *"], init: Fields = ..., /) -> gcp_tally_ptr: ...
    @overload
    def new(self, ctype: Literal["struct gcp_mutator *"], init: Fields = ..., /) -> gcp_mutator_ptr: ...
    @overload
    def new(self, ctype: Literal["struct gcp_world *"], init: Fields = ..., /) -> gcp_world_ptr: ...
    @overload
    def new(self, ctype: Literal["struct gcp_plan *"], init: Fields = ..., /) -> gcp_plan_ptr: ...
    @overload
    def new(self, ctype: Literal["struct gcp_fault_costs *"], init: Fields = ..., /) -> gcp_fault_costs_ptr: ...
    @overload
    def new(self, ctype: Literal["struct gcp_window_config *"], init: Fields = ..., /) -> gcp_window_config_ptr: ...
    @overload
    def new(self, ctype: Literal["struct gcp_window_thread *"], init: Fields = ..., /) -> gcp_window_thread_ptr: ...
    @overload
    def new(self, ctype: Literal["struct gcp_window_result *"], init: Fields = ..., /) -> gcp_window_result_ptr: ...
    @overload
    def new(self, ctype: Literal["struct gcp_line *"], init: Fields = ..., /) -> gcp_line_ptr: ...
    @overload
    def new(self, ctype: Literal["struct gcp_contest *"], init: Fields = ..., /) -> gcp_contest_ptr: ...
    @overload
    def new(self, ctype: Literal["struct gcp_shown *"], init: Fields = ..., /) -> gcp_shown_ptr: ...
    @overload
    def new(self, ctype: Literal["struct gcp_adapt *"], init: Fields = ..., /) -> gcp_adapt_ptr: ...
    @overload
    def new(
        self,
        ctype: Literal["struct gcp_compaction_policy *"],
        init: Fields = ...,
        /,
    ) -> gcp_compaction_policy_ptr: ...
    @overload
    def new(self, ctype: Literal["struct gcp_swept *"], init: Fields = ..., /) -> gcp_swept_ptr: ...
    @overload
    def new(self, ctype: Literal["struct gcp_row *"], init: Fields = ..., /) -> gcp_row_ptr: ...
    @overload
    def new(self, ctype: Literal["struct gcp_row_result *"], init: Fields = ..., /) -> gcp_row_result_ptr: ...
    @overload
    def new(self, ctype: Literal["struct gcp_run[]"], init: int | Sequence[Fields], /) -> Array[gcp_run]: ...
    @overload
    def new(self, ctype: Literal["struct gcp_toucher **"], /) -> Pointer[gcp_toucher_ptr]: ...
    @overload
    def new(
        self,
        ctype: Literal[
            "int8_t *", "uint8_t *", "int16_t *", "uint16_t *", "int32_t *", "uint32_t *", "int64_t *", "uint64_t *"
        ],
        init: int = ...,
        /,
    ) -> Pointer[int]: ...
    @overload
    def new(
        self,
        ctype: Literal[
            "int8_t[]", "uint8_t[]", "int16_t[]", "uint16_t[]", "int32_t[]", "uint32_t[]", "int64_t[]", "uint64_t[]"
        ],
        init: int | Sequence[int],
        /,
    ) -> Array[int]: ...
    @overload
    def new(self, ctype: Literal["char[]"], init: int | bytes, /) -> Array[bytes]: ...
    @overload
    def new(self, ctype: Literal["const char **"], /) -> Pointer[Pointer[bytes]]: ...
    @overload
    def cast(self, ctype: Literal["gcp_producer"], address: int, /) -> Function: ...
    @overload
    def cast(self, ctype: Literal["uintptr_t"], value: CData, /) -> Integer: ...
    @overload
    def cast(
        self,
        ctype: Literal[
            "int8_t *", "uint8_t *", "int16_t *", "uint16_t *", "int32_t *", "uint32_t *", "int64_t *", "uint64_t *"
        ],
        value: int | CData,
        /,
    ) -> Pointer[int]: ...
    @overload
    def cast(self, ctype: Literal["char *"], value: int | CData, /) -> Pointer[bytes]: ...
    @overload
    def addressof(self, lib: Lib, name: str, /) -> Pointer[Any]: ...
    @overload
    def addressof(self, struct: Struct, field: str, /) -> Any: ...
    def buffer(self, memory: Pointer[Any], size: int = -1, /) -> Buffer: ...
    def memmove(self, to: Pointer[Any] | Buffer, source: Pointer[Any] | Buffer | bytes, size: int, /) -> None: ...
    def offsetof(self, ctype: str, field: str, /) -> int: ...
    def string(self, chars: Pointer[bytes], /) -> bytes: ...
    def typeof(self, ctype: str | CData, /) -> CType: ...
    def unpack(self, values: Pointer[T], length: int, /) -> list[T]: ...

ffi: FFI
lib: Lib
