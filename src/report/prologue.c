// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/prologue.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/endian.h"

enum {
	CODE_BYTES = 4,
	// The registers in ldp x29, x30, [sp…]: 29, 30 << 10, 31 << 5.
	FRAME_PAIR = 0x7bfd,
};

// Where an instruction leads.
struct way {
	bool is_next; // To the next one.
	bool is_branch; // To this one:
	int64_t distance; // in instructions.
};

// A number with sign of some bits, from the lowest one on.
static int64_t number(uint32_t code, unsigned int low, unsigned int bits)
{
	uint32_t value = code >> low & ((UINT32_C(1) << bits) - 1);

	return (int64_t)value - (int64_t)((value >> (bits - 1) & 1) << bits);
}

static struct way way_of(uint32_t code)
{
	// b; bl comes back.
	if ((code & 0xfc000000) == 0x14000000)
		return (struct way){.is_branch = true, .distance = number(code, 0, 26)};
	// b.cond, bc.cond; cbz, cbnz; tbz, tbnz.
	if ((code & 0xff000000) == 0x54000000 || (code & 0x7e000000) == 0x34000000)
		return (struct way){.is_next = true, .is_branch = true, .distance = number(code, 5, 19)};
	if ((code & 0x7e000000) == 0x36000000)
		return (struct way){.is_next = true, .is_branch = true, .distance = number(code, 5, 14)};
	// br, ret, eret and their like; blr comes back (bits 24 to 21: 1, and 9 where the address is signed).
	if ((code & 0xfe000000) == 0xd6000000)
		return (struct way){.is_next = (code >> 21 & 7) == 1};
	return (struct way){.is_next = true};
}

static enum prologue_state state_behind(uint32_t code, enum prologue_state before)
{
	// add x29, sp, #…, of which mov x29, sp is one.
	if ((code & 0xff0003ff) == 0x910003fd)
		return PROLOGUE_OWN;
	// ldp x29, x30, [sp…], with all three ways to count the address.
	if ((code & 0xfc407fff) == (0xa8400000 | FRAME_PAIR))
		return PROLOGUE_CALLERS;
	return before;
}

// The function, while it is gone through.
struct walk {
	const uint8_t *code;
	uint32_t count; // Instructions.
	uint8_t *states; // enum prologue_state, before each.
	uint16_t *ahead; // Instructions whose ways were not followed yet: each is here once at the most.
	uint32_t ahead_count;
};

static void arrive(struct walk *walk, int64_t at, enum prologue_state state)
{
	if (at < 0 || at >= walk->count || walk->states[at])
		return;
	walk->states[at] = (uint8_t)state;
	walk->ahead[walk->ahead_count++] = (uint16_t)at;
}

static void follow(struct walk *walk)
{
	arrive(walk, 0, PROLOGUE_CALLERS);
	while (walk->ahead_count) {
		uint16_t at = walk->ahead[--walk->ahead_count];
		uint32_t code = load_u32(walk->code + (size_t)CODE_BYTES * at, false);
		enum prologue_state state = state_behind(code, walk->states[at]);
		struct way way = way_of(code);

		if (way.is_branch)
			arrive(walk, at + way.distance, state);
		if (way.is_next)
			arrive(walk, (int64_t)at + 1, state);
	}
}

enum prologue_state prologue_state_at(struct vmemory *memory, uint64_t vaddr, uint64_t size_bytes, uint64_t ip)
{
	_cleanup_free_ uint8_t *code = NULL, *states = NULL;
	_cleanup_free_ uint16_t *ahead = NULL;
	struct walk walk;
	struct error *err;

	static_assert(PROLOGUE_BYTES_MAX / CODE_BYTES <= UINT16_MAX, "numbers of instructions have room");
	if (size_bytes > PROLOGUE_BYTES_MAX || ip < vaddr || ip - vaddr >= size_bytes || (ip - vaddr) % CODE_BYTES)
		return PROLOGUE_UNKNOWN;
	size_bytes -= size_bytes % CODE_BYTES;
	code = malloc(size_bytes);
	states = calloc(size_bytes / CODE_BYTES, sizeof(*states));
	ahead = calloc(size_bytes / CODE_BYTES, sizeof(*ahead));
	if (!code || !states || !ahead || (ip - vaddr) / CODE_BYTES >= size_bytes / CODE_BYTES)
		return PROLOGUE_UNKNOWN;
	err = vmemory_read(memory, vaddr, code, size_bytes);
	error_free(err);
	if (err)
		return PROLOGUE_UNKNOWN;
	walk = (struct walk){code, (uint32_t)(size_bytes / CODE_BYTES), states, ahead, 0};
	follow(&walk);
	return (enum prologue_state)states[(ip - vaddr) / CODE_BYTES];
}
