"""Histograms of the native library as values that can be added up, stored and sent."""

from typing import TYPE_CHECKING

import msgspec

from gcproto._native import ffi, lib
from gcproto.results.schema import Latency
from gcproto.results.statistics import P99_FROM, P999_FROM

if TYPE_CHECKING:
    from gcproto._native import gcp_histogram

HIGHEST = 100_000_000_000
"""ns: what a histogram for export can hold."""


class Counts(msgspec.Struct):
    """A histogram: number and largest of its values, how many are in each bucket that has any, and their exact sum."""

    n: int = 0
    max: int = 0
    buckets: dict[int, int] = {}
    sum: int = 0

    def add(self, other: "Counts") -> None:
        """Take the values of another histogram in."""
        self.n += other.n
        self.max = max(self.max, other.max)
        self.sum += other.sum
        for bucket, count in other.buckets.items():
            self.buckets[bucket] = self.buckets.get(bucket, 0) + count

    def quantile(self, permille: int) -> int:
        """The value that so many of 1000 values do not exceed (see native/base/histogram.h)."""
        raw = ffi.new("struct gcp_histogram *")
        raw.n, raw.max = self.n, self.max
        for bucket, count in self.buckets.items():
            raw.counts[bucket] = count
        return lib.gcp_histogram_quantile(raw, permille)

    def latency(self) -> Latency:
        """Percentiles, as far as there are values enough for them."""

        def at(permille: int, enough: int) -> float | None:
            return float(self.quantile(permille)) if self.n >= enough else None

        return Latency(self.n, at(500, 1), at(900, 10), at(990, P99_FROM), at(999, P999_FROM), float(self.max))

    def hdr(self) -> str:
        """The same as HdrHistogram V2 in base64, to three figures; values in the middle of their bucket."""
        from hdrh.histogram import HdrHistogram

        found = HdrHistogram(1, HIGHEST, 3)
        for bucket, count in sorted(self.buckets.items()):
            low, high = self.low(bucket), self.low(bucket + 1) - 1
            found.record_value(max(1, min((low + high) // 2, self.max, HIGHEST)), count)
        return str(found.encode().decode())

    @staticmethod
    def low(bucket: int) -> int:
        """The smallest value of a bucket."""
        return lib.gcp_histogram_low(bucket)


def counts_of(raw: "gcp_histogram") -> Counts:
    """The values of a ``struct gcp_histogram``."""
    numbers = ffi.unpack(raw.counts, lib.GCP_HISTOGRAM_BUCKETS)
    return Counts(raw.n, raw.max, {bucket: count for bucket, count in enumerate(numbers) if count}, raw.sum)
