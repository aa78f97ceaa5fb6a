"""A kernel's PTX as C, so that it runs without a GPU: each lane is a coroutine, which waits where the warp does.

It knows the instructions that the kernels of core/device consist of, and refuses others. Each is translated to the
operation of C that rounds alike; the C must be compiled without contraction.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterator

__all__ = ["instructions", "translate", "unrounded"]

PRELUDE = r"""
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
typedef int8_t s8; typedef int16_t s16; typedef int32_t s32; typedef int64_t s64;
typedef uint8_t u8; typedef uint16_t u16; typedef uint32_t u32; typedef uint64_t u64;
typedef u8 b8; typedef u16 b16; typedef u32 b32; typedef u64 b64;
typedef float f32; typedef double f64; typedef int pred;
#define BITS(to, from, x) ({ from x_ = (x); to y_; memcpy(&y_, &x_, sizeof y_); y_; })
#define AT(type, address) (*(type*)(uintptr_t)(address))

enum { kLanes = 32, kStack = 1 << 18 };
static char* shared_memory;
static u64 shared_base;
static u32 block_number, block_threads, warp_number, lane_number;
static void* stack_of_main; static void* stack_of_lane[kLanes];
static int has_ended[kLanes];

// Pushes what a function keeps, changes stacks, and goes on there.
__attribute__((naked, noinline)) static void change_stack(void** from, void* to) {
  __asm__("pushq %rbp\n pushq %rbx\n pushq %r12\n pushq %r13\n pushq %r14\n pushq %r15\n movq %rsp, (%rdi)\n"
          "movq %rsi, %rsp\n popq %r15\n popq %r14\n popq %r13\n popq %r12\n popq %rbx\n popq %rbp\n ret");
}
static void wait_for_warp(void) { change_stack(&stack_of_lane[lane_number], stack_of_main); }
"""

CONCLUSION = r"""
static void begin_lane(void) {
  run_lane();
  has_ended[lane_number] = 1;
  change_stack(&stack_of_lane[lane_number], stack_of_main);
  abort();
}

// Returns 0, or 1 if lanes of a warp have not ended together.
int launch(u32 blocks, u32 threads, u32 bytes_of_block, const void* parameters_) {
  int apart = 0;
  char* const stacks = malloc((size_t)kLanes * kStack);
  shared_memory = aligned_alloc(64, (bytes_of_block + 127) / 64 * 64);
  shared_base = (u64)(uintptr_t)shared_memory;
  parameters = parameters_;
  block_threads = threads;
  for (block_number = 0; block_number < blocks; ++block_number) {
    for (warp_number = 0; warp_number < threads / kLanes; ++warp_number) {
      for (int lane = 0; lane < kLanes; ++lane) {
        u64* const top = (u64*)(((uintptr_t)stacks + (size_t)(lane + 1) * kStack) & ~(uintptr_t)15);
        top[-1] = 0;
        top[-2] = (u64)(uintptr_t)begin_lane;
        stack_of_lane[lane] = top - 8;
        has_ended[lane] = 0;
      }
      for (int ended = 0; ended < kLanes;) {
        int now = 0;
        for (u32 lane = 0; lane < kLanes; ++lane) {
          if (has_ended[lane]) { apart = 1; continue; }
          lane_number = lane;
          change_stack(&stack_of_main, stack_of_lane[lane]);
          now += has_ended[lane];
        }
        if (now != 0 && now != kLanes) { apart = 1; break; }
        ended += now;
      }
    }
  }
  free(stacks);
  free(shared_memory);
  return apart;
}
"""

REGISTERS = {"pred": "pred", "b16": "u16", "b32": "u32", "b64": "u64", "f32": "f32", "f64": "f64"}
SPECIAL = {
    "%tid.x": "(32 * my_warp + my_lane)", "%ntid.x": "block_threads", "%ctaid.x": "block_number",
    "%laneid": "my_lane",
}  # fmt: skip
COMPARISONS = {"eq": "==", "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">=",
               "lo": "<", "ls": "<=", "hi": ">", "hs": ">="}  # fmt: skip
# True also if a number is NaN: the opposite of these.
UNORDERED = {"equ": None, "neu": "==", "ltu": ">=", "leu": ">", "gtu": "<=", "geu": "<"}
BINARY = {"add": "+", "sub": "-", "and": "&", "or": "|", "xor": "^"}
ROUNDED = ("add", "sub", "mul", "fma", "mad", "div", "rcp", "sqrt")


def instructions(ptx: str) -> Iterator[tuple[str, str, str]]:
    """Yield guard, opcode and operands of each instruction of the entry; labels as opcode ``:``."""
    body = ptx[ptx.index("{", ptx.index(".entry")) + 1 : ptx.rindex("}")]
    for line in re.sub(r"//.*", "", body).splitlines():
        # Scopes of temporary registers, which no two use at once; vectors have their braces within operands.
        for raw in re.split(r";|(?<=:)", re.sub(r"^\s*\{(?=\s|$)|\}\s*$", "", line)):
            statement = raw.strip()
            if label := re.fullmatch(r"(\$\w+):", statement):
                yield "", ":", label[1]
            elif statement and not statement.startswith("."):
                found = re.fullmatch(r"(?:@(!?%p\d+)\s+)?(\S+)\s*(.*)", statement, re.DOTALL)
                assert found, statement
                yield found[1] or "", found[2], found[3]


def unrounded(ptx: str) -> list[str]:
    """Return the instructions on floating-point numbers that round, and do not say how."""
    found = []
    for _, opcode, operands in instructions(ptx):
        kind, *rest = opcode.split(".")
        if kind in ROUNDED and rest[-1] in ("f32", "f64") and rest != ["rn", rest[-1]]:
            found.append(f"{opcode} {operands}")
    return found


def translate(ptx: str) -> str:
    """Return the C of the only entry, with a function `launch(blocks, threads, bytes_of_block, parameters)`."""
    entry = re.search(r"\.entry \w+\((.*?)\)", ptx, re.DOTALL)
    assert entry, "no entry"
    offsets, at = {}, 0
    for align, kind, name, size in re.findall(r"\.param (?:\.align (\d+) )?\.(\w+) (\w+)(?:\[(\d+)\])?", entry[1]):
        width = int(size) if size else int(kind[1:]) // 8
        step = int(align) if align else width
        at = -(-at // step) * step
        offsets[name] = at
        at += width
    out = [PRELUDE, "static const char* parameters;"]
    out += constants(ptx)
    out.append("static void run_lane(void) {\n  const u32 my_warp = warp_number, my_lane = lane_number;")
    out.append("  (void)my_warp; (void)my_lane;")
    for kind, prefix, count in re.findall(r"\.reg \.(\w+)\s+%(\w+)<(\d+)>;", ptx):
        out.append(f"  {REGISTERS[kind]} " + ", ".join(f"R{prefix}{i} = 0" for i in range(int(count))) + ";")
    out += [f"  u64 R{name} = 0;" for name in ("tmp", "SP", "SPL")]
    for align, name, size in re.findall(r"\.local \.align (\d+) \.b8\s+(\w+)\[(\d+)\];", ptx):
        out.append(f"  char {name}[{size}] __attribute__((aligned({align}))); (void){name};")
    for guard, opcode, operands in instructions(ptx):
        if opcode == ":":
            out.append(f"{label_of(operands)}:;")
            continue
        condition = f"if ({'!' if guard.startswith('!') else ''}{operand(guard.lstrip('!'))}) " if guard else ""
        out.append(f"  {condition}{{ {statement_of(opcode, operands, offsets)} }}")
    return "\n".join([*out, "}", CONCLUSION])


def constants(ptx: str) -> Iterator[str]:
    """Arrays and numbers of the module that the entry reads."""
    body = ptx[ptx.index(".entry") :]
    pattern = r"^\.(?:global|const) \.align \d+ \.(\w+) (\w+)(\[\d+\])?(?: = (.*?))?;"
    for kind, name, size, value in re.findall(pattern, ptx, re.MULTILINE):
        if re.search(rf"\b{name}\b", body):
            values = re.sub(r"0[fd][0-9A-Fa-f]+", lambda number: float_of(number[0]), value or "0")
            yield f"static {kind} {name}{size} = {values if value else '{0}'};"


def float_of(number: str) -> str:
    """Return a number of PTX as a constant of C with the same bits."""
    digits = bytes.fromhex(number[2:])
    return float(struct.unpack(">f" if len(digits) == 4 else ">d", digits)[0]).hex()


def label_of(name: str) -> str:
    return name.replace("$", "L_")


def operand(text: str) -> str:
    text = text.strip()
    if text in SPECIAL:
        return SPECIAL[text]
    if text.startswith("%"):
        return f"R{text[1:]}"
    if re.fullmatch(r"0f[0-9A-Fa-f]{8}", text):
        return f"BITS(f32, u32, 0x{text[2:]}u)"
    if re.fullmatch(r"0d[0-9A-Fa-f]{16}", text):
        return f"BITS(f64, u64, 0x{text[2:]}ull)"
    if re.fullmatch(r"-?\d+", text):
        return f"({text}{'ll' if int(text) < 2**63 else 'ull'})"
    return f"(u64)(uintptr_t)&{text}"


def is_float(register: str) -> bool:
    return re.fullmatch(r"%fd?\d+", register.strip()) is not None or register.strip()[:2] in ("0f", "0d")


def unsigned(kind: str) -> str:
    return "u" + kind[1:]


def width(kind: str) -> int:
    return int(kind[1:])


def statement_of(opcode: str, operands: str, parameters: dict[str, int]) -> str:
    kind, *modifiers = opcode.split(".")
    if kind in ("ld", "st"):
        return memory_access(kind, modifiers, operands, parameters)
    if kind == "bra":
        return f"goto {label_of(operands.strip())};"
    if kind == "ret":
        return "return;"
    if opcode == "bar.warp.sync":
        return "wait_for_warp();"
    parts = [part.strip() for part in operands.split(",")]
    if kind == "mov":
        return move(modifiers[-1], operands)
    target, *sources = parts
    translated = [operand(source) for source in sources]
    if kind == "cvta":
        base = f"shared_base + {translated[0]}" if modifiers[0] == "shared" else translated[0]
        return f"{operand(target)} = {base};"
    if kind == "cvt":
        to, source = modifiers[-2:]
        return f"{operand(target)} = ({to})({source}){translated[0]};"
    if kind == "setp":
        assert len(modifiers) == 2, opcode
        return f"{operand(target)} = {compare(*modifiers, *translated)};"
    if kind == "selp":
        return f"{operand(target)} = {translated[2]} ? {translated[0]} : {translated[1]};"
    expression = EXPRESSIONS.get(kind)
    assert expression, f"{opcode} {operands}"
    return f"{operand(target)} = {expression(modifiers, translated)};"


def memory_access(kind: str, modifiers: list[str], operands: str, parameters: dict[str, int]) -> str:
    value = modifiers[-1]
    found = re.search(r"\[([%\w$]+)(?:\+(-?\d+))?\]", operands)
    assert found, operands
    base, offset = found[1], int(found[2] or 0)
    if "param" in modifiers:
        return f"memcpy(&{operand(operands.split(',')[0])}, parameters + {parameters[base] + offset}, sizeof({value}));"
    if "shared" in modifiers:
        start = "" if not base.startswith("%") else f" + (u32){operand(base)}"
        address = f"shared_base{start} + ({offset})"
    else:
        address = f"{operand(base)} + ({offset})"
    rest = (operands[: found.start()] + operands[found.end() :]).strip(" ,").strip("{}")
    registers = [operand(register) for register in rest.split(",")]
    size = width(value) // 8
    places = [f"AT({value}, {address} + {size * i})" for i in range(len(registers))]
    pairs = zip(registers, places, strict=True) if kind == "ld" else zip(places, registers, strict=True)
    return " ".join(f"{to} = {source};" for to, source in pairs)


def move(kind: str, operands: str) -> str:
    if pair := re.fullmatch(r"(%\w+), \{(%\w+), (%\w+)\}", operands.strip()):
        low, high = operand(pair[2]), operand(pair[3])
        return f"{operand(pair[1])} = (u64){low} | (u64){high} << 32;"
    if pair := re.fullmatch(r"\{(%\w+), (%\w+)\}, (%\w+)", operands.strip()):
        return f"{operand(pair[1])} = (u32){operand(pair[3])}; {operand(pair[2])} = (u32)({operand(pair[3])} >> 32);"
    target, source = (part.strip() for part in operands.split(","))
    if source == "memory":
        return f"{operand(target)} = 0;"
    if kind == "pred" or is_float(target) == is_float(source):
        return f"{operand(target)} = {operand(source)};"
    real, integer = f"f{kind[1:]}", f"u{kind[1:]}"
    if is_float(target):
        return f"{operand(target)} = BITS({real}, {integer}, {operand(source)});"
    return f"{operand(target)} = BITS({integer}, {real}, {operand(source)});"


def compare(comparison: str, kind: str, a: str, b: str) -> str:
    left, right = f"({kind}){a}", f"({kind}){b}"
    if kind[0] == "f" and comparison in UNORDERED:
        opposite = UNORDERED[comparison]
        return f"!({left} {opposite} {right})" if opposite else f"!({left} < {right} || {left} > {right})"
    if kind[0] == "f" and comparison == "ne":
        return f"({left} < {right} || {left} > {right})"
    return f"({left} {COMPARISONS[comparison]} {right})"


def binary(symbol: str) -> Callable[[list[str], list[str]], str]:
    def expression(modifiers: list[str], sources: list[str]) -> str:
        kind = modifiers[-1]
        if kind == "pred":
            return f"({sources[0]} {symbol} {sources[1]})"
        kind = kind if kind[0] == "f" else unsigned(kind)  # which wraps around
        return f"({kind})(({kind}){sources[0]} {symbol} ({kind}){sources[1]})"

    return expression


def multiply(modifiers: list[str], sources: list[str]) -> str:
    kind = modifiers[-1]
    if kind[0] == "f":
        return f"{sources[0]} * {sources[1]}"
    if "wide" in modifiers:
        double = f"{kind[0]}{2 * width(kind)}"
        return f"({double})({kind}){sources[0]} * ({double})({kind}){sources[1]}"
    if "hi" in modifiers:
        double = f"{'' if kind[0] == 's' else 'unsigned '}__int128"
        return f"({kind})((({double})({kind}){sources[0]} * ({double})({kind}){sources[1]}) >> {width(kind)})"
    return f"({unsigned(kind)})((u64)({unsigned(kind)}){sources[0]} * (u64)({unsigned(kind)}){sources[1]})"


def multiply_add(modifiers: list[str], sources: list[str]) -> str:
    kind = modifiers[-1]
    if kind[0] == "f":
        return fused(modifiers, sources)
    wide = f"{unsigned(kind)[0]}{2 * width(kind)}" if "wide" in modifiers else unsigned(kind)
    return f"({wide})(({wide})({multiply(modifiers, sources)}) + ({wide}){sources[2]})"


def fused(modifiers: list[str], sources: list[str]) -> str:
    return f"__builtin_fma{'f' if modifiers[-1] == 'f32' else ''}({', '.join(sources)})"


def divide(modifiers: list[str], sources: list[str]) -> str:
    kind = modifiers[-1]
    return f"({kind}){sources[0]} / ({kind}){sources[1]}"


def shift(symbol: str) -> Callable[[list[str], list[str]], str]:
    def expression(modifiers: list[str], sources: list[str]) -> str:
        kind = modifiers[-1] if modifiers[-1][0] != "b" else unsigned(modifiers[-1])
        beyond = f"({kind})(({kind}){sources[0]} >> {width(kind) - 1} >> 1)" if kind[0] == "s" else "0"
        amount = f"(u32){sources[1]}"
        within = f"({kind})(({kind}){sources[0]} {symbol} ({amount} & {width(kind) - 1}u))"
        return f"({amount} >= {width(kind)}u ? {beyond} : {within})"

    return expression


def extreme(symbol: str) -> Callable[[list[str], list[str]], str]:
    def expression(modifiers: list[str], sources: list[str]) -> str:
        kind = modifiers[-1]
        assert kind[0] != "f", "min and max of floating-point numbers treat NaN in a way of their own"
        return f"(({kind}){sources[0]} {symbol} ({kind}){sources[1]} ? ({kind}){sources[0]} : ({kind}){sources[1]})"

    return expression


def root(modifiers: list[str], sources: list[str]) -> str:
    return f"{'sqrtf' if modifiers[-1] == 'f32' else 'sqrt'}({sources[0]})"


def remainder(modifiers: list[str], sources: list[str]) -> str:
    kind = modifiers[-1]
    return f"({kind}){sources[0]} % ({kind}){sources[1]}"


EXPRESSIONS: dict[str, Callable[[list[str], list[str]], str]] = {
    **{kind: binary(symbol) for kind, symbol in BINARY.items()},
    "mul": multiply, "mad": multiply_add, "fma": fused, "div": divide, "rem": remainder,
    "shl": shift("<<"), "shr": shift(">>"), "min": extreme("<"), "max": extreme(">"), "sqrt": root,
    "rcp": lambda modifiers, sources: f"({modifiers[-1]})1 / {sources[0]}",
    "neg": lambda modifiers, sources: f"-({modifiers[-1]}){sources[0]}",
    "abs": lambda modifiers, sources: f"__builtin_fabs{'f' if modifiers[-1] == 'f32' else ''}({sources[0]})",
    "not": lambda modifiers, sources: f"!{sources[0]}" if modifiers[-1] == "pred" else f"~{sources[0]}",
}  # fmt: skip
