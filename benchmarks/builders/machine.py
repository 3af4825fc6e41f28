"""What only variants need of the machine: stores past the caches, look-ups of eight references at a time.

Generated as LLVM code, as ``gcproto.heap.memory`` does.
"""

from collections.abc import Callable

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.base import BaseContext
from numba.core.typing.context import Context
from numba.core.typing.templates import Signature

from gcproto.heap.memory import WORD, Definition, Values, primitive

EIGHT = 8
LINE = ir.VectorType(WORD, EIGHT)


def _at(builder: ir.IRBuilder, address: ir.Value, kind: ir.Type) -> ir.Value:
    return builder.inttoptr(address, kind.as_pointer())


@primitive
def stream_line(_typing: Context, destination: types.Type, source: types.Type) -> Definition:
    """Copy 64 bytes, both addresses multiples of it, past the caches; only a fence orders such stores."""

    def generate(_context: BaseContext, builder: ir.IRBuilder, _signature: Signature, arguments: Values) -> ir.Value:
        value = builder.load(_at(builder, arguments[1], LINE), align=64)
        stored = builder.store(value, _at(builder, arguments[0], LINE), align=64)
        stored.set_metadata("nontemporal", builder.module.add_metadata([ir.Constant(ir.IntType(32), 1)]))
        return _context.get_dummy_value()  # type: ignore[no-untyped-call]

    return types.void(types.int64, types.int64), generate


def scratch(words: int) -> Callable[[], int]:
    """A function that says where its caller has ``words`` words of its own stack, aligned to 64 bytes."""

    @primitive
    def place(_typing: Context) -> Definition:
        def generate(
            _context: BaseContext, builder: ir.IRBuilder, _signature: Signature, _arguments: Values
        ) -> ir.Value:
            with builder.goto_entry_block():
                memory = builder.alloca(ir.ArrayType(WORD, words))
                memory.align = 64
            return builder.ptrtoint(memory, WORD)

        return types.int64(), generate

    return place


@primitive
def prefetch_to_write(_typing: Context, address: types.Type) -> Definition:
    """Have the cache line of an address fetched by a thread that will write it."""

    def generate(_context: BaseContext, builder: ir.IRBuilder, _signature: Signature, arguments: Values) -> ir.Value:
        byte, number = ir.IntType(8).as_pointer(), ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [byte, number, number, number])
        callee = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0i8")  # type: ignore[no-untyped-call]
        builder.call(callee, [_at(builder, arguments[0], ir.IntType(8)), number(1), number(3), number(1)])
        return _context.get_dummy_value()  # type: ignore[no-untyped-call]

    return types.void(types.int64), generate


def _splat(builder: ir.IRBuilder, value: ir.Value) -> ir.Value:
    one = builder.insert_element(ir.Constant(LINE, ir.Undefined), value, ir.IntType(32)(0))
    return builder.shuffle_vector(
        one, ir.Constant(LINE, ir.Undefined), ir.Constant(ir.VectorType(ir.IntType(32), EIGHT), [0] * EIGHT)
    )


def _constants(value: int) -> ir.Constant:
    return ir.Constant(LINE, [value] * EIGHT)


def _gather(builder: ir.IRBuilder, addresses: ir.Value, mask: ir.Value, width: int) -> ir.Value:
    element = ir.IntType(width)
    vector, pointers = ir.VectorType(element, EIGHT), ir.VectorType(element.as_pointer(), EIGHT)
    kind = ir.FunctionType(vector, [pointers, ir.IntType(32), ir.VectorType(ir.IntType(1), EIGHT), vector])
    name = f"llvm.masked.gather.v{EIGHT}i{width}.v{EIGHT}p0"
    callee = cgutils.get_or_insert_function(builder.module, kind, name)  # type: ignore[no-untyped-call]
    arguments = [builder.inttoptr(addresses, pointers), ir.IntType(32)(width // 8), mask]
    return builder.call(callee, [*arguments, ir.Constant(vector, [0] * EIGHT)])


@primitive
def forward_eight(
    _typing: Context,
    to: types.Type,
    dense_words: types.Type,
    black_word: types.Type,
    black_bytes: types.Type,
    live: types.Type,
    offsets: types.Type,
    place: types.Type,
) -> Definition:
    """Update eight references that lie next to each other, as ``gcproto.collector.compiled.forward`` does one."""

    def generate(_context: BaseContext, builder: ir.IRBuilder, _signature: Signature, arguments: Values) -> ir.Value:
        base, dense, black, slid, bitmap, table = (_splat(builder, one) for one in arguments[:6])
        memory = _at(builder, arguments[6], LINE)
        refs = builder.load(memory, align=8)
        word = builder.ashr(builder.sub(refs, base), _constants(3))
        there = builder.icmp_unsigned("!=", refs, _constants(0))
        is_black = builder.and_(there, builder.icmp_signed(">=", word, black))
        moved = builder.and_(there, builder.icmp_signed(">=", word, dense))
        moved = builder.and_(moved, builder.not_(is_black))
        chunk = builder.ashr(word, _constants(6))
        bits = _gather(builder, builder.add(bitmap, builder.shl(chunk, _constants(3))), moved, 64)
        narrow = _gather(builder, builder.add(table, builder.shl(chunk, _constants(2))), moved, 32)
        below = builder.not_(builder.shl(_constants(-1), builder.and_(word, _constants(63))))
        kind = ir.FunctionType(LINE, [LINE])
        popcount = cgutils.get_or_insert_function(builder.module, kind, f"llvm.ctpop.v{EIGHT}i64")  # type: ignore[no-untyped-call]
        passed = builder.call(popcount, [builder.and_(bits, below)])
        target = builder.add(base, builder.shl(builder.add(builder.zext(narrow, LINE), passed), _constants(3)))
        stays = builder.select(is_black, builder.sub(refs, slid), refs)
        builder.store(builder.select(moved, target, stays), memory, align=8)
        return _context.get_dummy_value()  # type: ignore[no-untyped-call]

    return types.void(*[types.int64] * 7), generate
