"""Raw memory for compiled code: loads, stores, copies, bits.

Addresses, words and bitmaps are int64 throughout: numba makes a float of the sum of a signed and an unsigned integer.
Addresses of user space are positive; bitmaps are only read bit by bit (``lshr``, ``popcount``, ``ctz``).

Numba compiles ``+``, ``-`` and ``*`` of int64 to instructions with undefined overflow, and the optimiser relies on
that. If a result may overflow (bit 63 of a bitmap, hashes), use ``wrapping_add``, ``wrapping_mul``, ``drop_lowest`` and
``low_ones``.

llvmlite has no types yet, so mypy does not check its values. It checks the rest of compiled code.
"""

from collections.abc import Callable

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.base import BaseContext
from numba.core.typing.context import Context
from numba.core.typing.templates import Signature
from numba.extending import intrinsic

Values = list[ir.Value]
Generate = Callable[[BaseContext, ir.IRBuilder, Signature, Values], ir.Value]
Definition = tuple[Signature, Generate]

WORD = ir.IntType(64)


def _function(module: ir.Module, kind: ir.FunctionType, name: str) -> ir.Function:
    return cgutils.get_or_insert_function(module, kind, name)  # type: ignore[no-untyped-call]


def _nothing(context: BaseContext) -> ir.Value:
    return context.get_dummy_value()  # type: ignore[no-untyped-call]


def primitive(define: Callable[..., Definition]) -> Callable[..., int]:
    """An operation that is generated as LLVM code where it is called; ``define`` is numba's form of one."""
    found: Callable[..., int] = intrinsic(define)
    return found


def _pointer(builder: ir.IRBuilder, address: ir.Value, kind: ir.Type) -> ir.Value:
    return builder.inttoptr(address, kind.as_pointer())


def _sum(builder: ir.IRBuilder, address: ir.Value, offset: ir.Value) -> ir.Value:
    return builder.add(address, offset, flags=["nsw"])


def _element(builder: ir.IRBuilder, base: ir.Value, offset: int, index: ir.Value, width: int) -> ir.Value:
    """Address of an element in the table whose address is a field."""
    table = builder.load(_pointer(builder, _sum(builder, base, WORD(offset)), WORD))
    place = _sum(builder, table, builder.mul(WORD(width // 8), index, flags=["nsw"]))
    return _pointer(builder, place, ir.IntType(width))


def field(offset: int, width: int = 64, ordering: str = "") -> Callable[[int], int]:
    """A function that reads a field of a structure, of the structure's address.

    Args:
        offset: of the field, in bytes.
        width: of the field, in bits.
        ordering: LLVM's name of an atomic ordering; empty for a plain load.

    """
    kind = ir.IntType(width)

    @primitive
    def get(_typing: Context, base: types.Type) -> Definition:
        def generate(
            _context: BaseContext, builder: ir.IRBuilder, _signature: Signature, arguments: Values
        ) -> ir.Value:
            place = _pointer(builder, _sum(builder, arguments[0], WORD(offset)), kind)
            value = builder.load_atomic(place, ordering, width // 8) if ordering else builder.load(place)
            return builder.zext(value, WORD) if width < 64 else value

        return types.int64(types.int64), generate

    return get


def _put(builder: ir.IRBuilder, value: ir.Value, place: ir.Value, width: int, ordering: str) -> None:
    word = builder.trunc(value, ir.IntType(width)) if width < 64 else value
    if ordering:
        builder.store_atomic(word, place, ordering, width // 8)
    else:
        builder.store(word, place)


def set_field(offset: int, width: int = 64, ordering: str = "") -> Callable[[int, int], int]:
    """A function that writes such a field."""

    @primitive
    def put(_typing: Context, base: types.Type, value: types.Type) -> Definition:
        def generate(
            _context: BaseContext, builder: ir.IRBuilder, _signature: Signature, arguments: Values
        ) -> ir.Value:
            place = _pointer(builder, _sum(builder, arguments[0], WORD(offset)), ir.IntType(width))
            _put(builder, arguments[1], place, width, ordering)
            return _nothing(_context)

        return types.void(types.int64, types.int64), generate

    return put


def element(offset: int, width: int, ordering: str = "") -> Callable[[int, int], int]:
    """A function that reads an element, of ``width`` bits, of the table whose address is a field of a structure."""

    @primitive
    def get(_typing: Context, base: types.Type, index: types.Type) -> Definition:
        def generate(
            _context: BaseContext, builder: ir.IRBuilder, _signature: Signature, arguments: Values
        ) -> ir.Value:
            place = _element(builder, arguments[0], offset, arguments[1], width)
            value = builder.load_atomic(place, ordering, width // 8) if ordering else builder.load(place)
            return builder.zext(value, WORD) if width < 64 else value

        return types.int64(types.int64, types.int64), generate

    return get


def set_element(offset: int, width: int, ordering: str = "") -> Callable[[int, int, int], int]:
    """A function that writes such an element."""

    @primitive
    def put(_typing: Context, base: types.Type, index: types.Type, value: types.Type) -> Definition:
        def generate(
            _context: BaseContext, builder: ir.IRBuilder, _signature: Signature, arguments: Values
        ) -> ir.Value:
            place = _element(builder, arguments[0], offset, arguments[1], width)
            _put(builder, arguments[2], place, width, ordering)
            return _nothing(_context)

        return types.void(types.int64, types.int64, types.int64), generate

    return put


load64 = field(0)
load32 = field(0, 32)
load8 = field(0, 8)
store64 = set_field(0)
store32 = set_field(0, 32)
store8 = set_field(0, 8)
peek8 = field(0, 8, "monotonic")
peek32 = field(0, 32, "monotonic")
peek64 = field(0, 64, "monotonic")
"""A word that other threads change: each call reads it again."""
poke8 = set_field(0, 8, "monotonic")
"""A byte that other threads read or write."""
publish64 = set_field(0, 64, "release")
"""A release store: a thread that reads it also sees all earlier stores."""


def _unary(name: str, *rest: int) -> Callable[[int], int]:
    @primitive
    def function(_typing: Context, value: types.Type) -> Definition:
        def generate(
            _context: BaseContext, builder: ir.IRBuilder, _signature: Signature, arguments: Values
        ) -> ir.Value:
            kind = ir.FunctionType(WORD, [WORD] + [ir.IntType(1)] * len(rest))
            callee = _function(builder.module, kind, f"llvm.{name}.i64")
            return builder.call(callee, [arguments[0], *(ir.Constant(ir.IntType(1), bit) for bit in rest)])

        return types.int64(types.int64), generate

    return function


popcount = _unary("ctpop")
ctz = _unary("cttz", 0)
"""Trailing zero bits; 64 for zero."""
clz = _unary("ctlz", 0)


@primitive
def lshr(_typing: Context, value: types.Type, count: types.Type) -> Definition:
    """Shift right, zeroes from the left; ``count`` in 0..63."""

    def generate(_context: BaseContext, builder: ir.IRBuilder, _signature: Signature, arguments: Values) -> ir.Value:
        return builder.lshr(*arguments)

    return types.int64(types.int64, types.int64), generate


def _wrapping(name: str) -> Callable[[int, int], int]:
    @primitive
    def function(_typing: Context, left: types.Type, right: types.Type) -> Definition:
        def generate(
            _context: BaseContext, builder: ir.IRBuilder, _signature: Signature, arguments: Values
        ) -> ir.Value:
            return getattr(builder, name)(*arguments)

        return types.int64(types.int64, types.int64), generate

    return function


wrapping_add = _wrapping("add")
wrapping_mul = _wrapping("mul")
"""Modulo 2^64."""


@primitive
def drop_lowest(_typing: Context, bits: types.Type) -> Definition:
    """The word without its lowest set bit."""

    def generate(_context: BaseContext, builder: ir.IRBuilder, _signature: Signature, arguments: Values) -> ir.Value:
        return builder.and_(arguments[0], builder.sub(arguments[0], ir.Constant(WORD, 1)))

    return types.int64(types.int64), generate


@primitive
def low_ones(_typing: Context, count: types.Type) -> Definition:
    """A word whose ``count`` lowest bits are set; ``count`` in 0..63."""

    def generate(_context: BaseContext, builder: ir.IRBuilder, _signature: Signature, arguments: Values) -> ir.Value:
        return builder.not_(builder.shl(ir.Constant(WORD, -1), arguments[0]))

    return types.int64(types.int64), generate


@primitive
def fetch_or64(_typing: Context, address: types.Type, bits: types.Type) -> Definition:
    """Set bits in a word in which other threads also set bits."""

    def generate(_context: BaseContext, builder: ir.IRBuilder, _signature: Signature, arguments: Values) -> ir.Value:
        return builder.atomic_rmw("or", _pointer(builder, arguments[0], WORD), arguments[1], "monotonic")

    return types.int64(types.int64, types.int64), generate


@primitive
def replace8(_typing: Context, address: types.Type, seen: types.Type, value: types.Type) -> Definition:
    """Put ``value`` into a byte that is still ``seen``.  Returns what was there."""

    def generate(_context: BaseContext, builder: ir.IRBuilder, _signature: Signature, arguments: Values) -> ir.Value:
        byte = ir.IntType(8)
        place = _pointer(builder, arguments[0], byte)
        seen_byte, new_byte = (builder.trunc(argument, byte) for argument in arguments[1:])
        found = builder.cmpxchg(place, seen_byte, new_byte, "seq_cst", "seq_cst")
        return builder.zext(builder.extract_value(found, 0), WORD)

    return types.int64(types.int64, types.int64, types.int64), generate


@primitive
def fence(_typing: Context) -> Definition:
    """No memory access crosses it."""

    def generate(_context: BaseContext, builder: ir.IRBuilder, _signature: Signature, arguments: Values) -> ir.Value:
        builder.fence("seq_cst")
        return _nothing(_context)

    return types.void(), generate


@primitive
def prefetch(_typing: Context, address: types.Type) -> Definition:
    """Prefetch the cache line of an address."""

    def generate(_context: BaseContext, builder: ir.IRBuilder, _signature: Signature, arguments: Values) -> ir.Value:
        byte, number = ir.IntType(8).as_pointer(), ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [byte, number, number, number])
        callee = _function(builder.module, kind, "llvm.prefetch.p0i8")
        builder.call(
            callee,
            [_pointer(builder, arguments[0], ir.IntType(8)), number(0), number(3), number(1)],
        )
        return _nothing(_context)

    return types.void(types.int64), generate


def _block(name: str, arguments_of: Callable[[ir.IRBuilder, Values], Values], kinds: list[ir.Type]) -> Generate:
    def generate(_context: BaseContext, builder: ir.IRBuilder, _signature: Signature, arguments: Values) -> ir.Value:
        callee = _function(builder.module, ir.FunctionType(ir.VoidType(), kinds), name)
        builder.call(callee, [*arguments_of(builder, arguments), ir.Constant(ir.IntType(1), 0)])
        return _nothing(_context)

    return generate


_BYTES = ir.IntType(8).as_pointer()


@primitive
def copy_bytes(_typing: Context, destination: types.Type, source: types.Type, count: types.Type) -> Definition:
    """memmove: the ranges may overlap."""

    def arguments_of(builder: ir.IRBuilder, arguments: Values) -> Values:
        return [builder.inttoptr(arguments[0], _BYTES), builder.inttoptr(arguments[1], _BYTES), arguments[2]]

    kinds = [_BYTES, _BYTES, WORD, ir.IntType(1)]
    return types.void(types.int64, types.int64, types.int64), _block("llvm.memmove.p0i8.p0i8.i64", arguments_of, kinds)


@primitive
def copy_line(_typing: Context, destination: types.Type, source: types.Type) -> Definition:
    """Copy 64 bytes, all of them read before the first is written; inline, because a call would cost more."""

    def generate(_context: BaseContext, builder: ir.IRBuilder, _signature: Signature, arguments: Values) -> ir.Value:
        kind = ir.VectorType(WORD, 8)
        value = builder.load(_pointer(builder, arguments[1], kind), align=8)
        builder.store(value, _pointer(builder, arguments[0], kind), align=8)
        return _nothing(_context)

    return types.void(types.int64, types.int64), generate


@primitive
def zero_bytes(_typing: Context, destination: types.Type, count: types.Type) -> Definition:
    """Fill with zeroes."""

    def arguments_of(builder: ir.IRBuilder, arguments: Values) -> Values:
        return [builder.inttoptr(arguments[0], _BYTES), ir.Constant(ir.IntType(8), 0), arguments[1]]

    kinds = [_BYTES, ir.IntType(8), WORD, ir.IntType(1)]
    return types.void(types.int64, types.int64), _block("llvm.memset.p0i8.i64", arguments_of, kinds)
