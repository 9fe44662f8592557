// SPDX-License-Identifier: GPL-2.0-or-later
// Stacks of arm64, in the machine of fakecrash.h: its page tables are good for arm64 too. Those of x86-64 are in
// test_crashreport.c.
#include "report/backtrace.h"

#include "fakecrash.h"
#include "report/machine.h"
#include "report/prologue.h"
#include "test.h"

enum {
	STACK_BYTES = 0x4000,
	REGS_BYTES = 336, // struct pt_regs
	REGS_RECORD = 304, // Its frame record.
	CONTEXT = 168, // Of struct task_struct, with fp, sp and pc from 80 on.
	IN_KERNEL = 5, // PSTATE: EL1h; 0 is EL0t.
	META_FINAL = 1,
	META_REGS = 2,
	NOTE_BYTES = 112 + 8 * CPULIST_ARM64_COUNT + 8,
};

// Bits in which an address may be signed, and a signature.
#define PAC_MASK UINT64_C(0xffff000000000000)
#define PAC UINT64_C(0x5a25000000000000)

// A64 instructions.
enum code {
	PACIASP = 0xd503233f,
	STP_FRAME = 0xa9be7bfd, // stp x29, x30, [sp, #-32]!
	STP_FRAME_UP = 0xa9047bfd, // stp x29, x30, [sp, #64]
	MOV_FRAME = 0x910003fd, // mov x29, sp
	ADD_FRAME = 0x910103fd, // add x29, sp, #64
	LDP_FRAME = 0xa8c27bfd, // ldp x29, x30, [sp], #32
	RET = 0xd65f03c0,
	NOP = 0xd503201f,
	BL = 0x94000010,
	BLR = 0xd63f0100,
	BR = 0xd61f0100,
	B_2 = 0x14000002, // To the instruction after the next one.
	CBZ_3 = 0xb4000060,
	TBZ_3 = 0x36000060,
	B_EQ_3 = 0x54000060,
	B_BACK_3 = 0x17fffffd,
};

static const struct fakecrash_struct arm64_structs[] = {
	{"thread_struct", 128, {{"cpu_context", 8, 104}}},
	{"cpu_context", 104, {{"x19", 0, 8}, {"fp", 80, 8}, {"sp", 88, 8}, {"pc", 96, 8}}},
	{"pt_regs", REGS_BYTES, {{"stackframe", REGS_RECORD, 24}}},
	{"frame_record_meta", 24, {{"type", 16, 8}}},
};

struct world {
	struct fakecore fake;
	struct machine *machine;
	struct backtrace_tools tools;
	struct backtrace trace;
	bool has_marks; // Frame records as since Linux v6.13.
};

static uint64_t stack(unsigned int number)
{
	return fakecore_image + FAKECRASH_STACKS + number * (uint64_t)STACK_BYTES;
}

static uint64_t in(enum fakecrash_function which, uint64_t offset)
{
	return fakecrash_function(which) + offset;
}

// The frame record at the top of a stack, in struct pt_regs of the program.
static uint64_t last_record(unsigned int number)
{
	return stack(number) + STACK_BYTES - REGS_BYTES + REGS_RECORD;
}

static void put(struct world *world, uint64_t vaddr, uint64_t value)
{
	fakecrash_put(&world->fake, vaddr, value, 8);
}

static void put_code(struct world *world, uint64_t vaddr, const uint32_t *codes, size_t count)
{
	for (size_t i = 0; i < count; i++)
		fakecrash_put(&world->fake, vaddr + 4 * i, codes[i], 4);
}

static void put_record(struct world *world, uint64_t at, uint64_t next, uint64_t back)
{
	put(world, at, next);
	put(world, at + 8, back ? back ^ PAC : 0);
}

// struct pt_regs whose record is at a place.
static void put_regs(struct world *world, uint64_t record, uint64_t fp, uint64_t lr, uint64_t sp, uint64_t pc,
                     uint64_t state)
{
	uint64_t regs = record - REGS_RECORD;

	put(world, regs + 8 * CPULIST_ARM64_FP, fp);
	put(world, regs + 8 * CPULIST_ARM64_LR, lr ? lr ^ PAC : 0);
	put(world, regs + 8 * CPULIST_ARM64_SP, sp);
	put(world, regs + 8 * CPULIST_ARM64_PC, pc);
	put(world, regs + 8 * CPULIST_ARM64_PSTATE, state);
}

static void put_end(struct world *world, unsigned int number, uint64_t user_pc)
{
	uint64_t record = last_record(number);

	put_regs(world, record, 0, 0, user_pc ? 0xfffff000 : 0, user_pc, user_pc ? 0 : IN_KERNEL);
	put_record(world, record, 0, 0);
	put(world, record + 16, world->has_marks ? META_FINAL : 0);
}

static void put_context(struct world *world, enum fakecrash_task which, uint64_t fp, uint64_t pc)
{
	uint64_t context = fakecrash_task(which) + CONTEXT;

	put(world, context + 80, fp);
	put(world, context + 88, fp);
	put(world, context + 96, pc);
}

// struct elf_prstatus.
static void fill_status(uint8_t *status, uint64_t pc, uint64_t sp, uint64_t fp, uint64_t lr)
{
	uint64_t words[CPULIST_ARM64_COUNT] = {0};

	words[CPULIST_ARM64_PC] = pc;
	words[CPULIST_ARM64_SP] = sp;
	words[CPULIST_ARM64_FP] = fp;
	words[CPULIST_ARM64_LR] = lr;
	words[CPULIST_ARM64_PSTATE] = IN_KERNEL;
	memcpy(status + 112, words, sizeof(words));
}

static void put_cpu(struct world *world, uint64_t pc, uint64_t sp, uint64_t fp, uint64_t lr)
{
	uint64_t note = fakecore_image + FAKECRASH_PER_CPU + FAKECRASH_NOTE;

	fakecrash_put(&world->fake, note, 5, 4);
	fakecrash_put(&world->fake, note + 4, NOTE_BYTES, 4);
	fakecrash_put(&world->fake, note + 8, 1, 4);
	fill_status(world->fake.memory + (note - fakecore_image) + 20, pc, sp, fp, lr);
}

static struct world *make(bool has_marks, bool is_functions_only)
{
	struct fakecrash_more more = {
		.structs = arm64_structs,
		.struct_count = array_size(arm64_structs) - !has_marks,
		.is_functions_only = is_functions_only,
	};
	struct world *world = calloc(1, sizeof(*world));

	check(world);
	world->has_marks = has_marks;
	fakecrash_make_more(&world->fake, 2, &more);
	world->fake.machine = EM_AARCH64;
	fakecore_info(&world->fake, "NUMBER(VA_BITS)=48\nNUMBER(TCR_EL1_T1SZ)=0x10\nNUMBER(kimage_voffset)=%#jx\n",
	              (uintmax_t)fakecore_image);
	fakecore_info(&world->fake, "NUMBER(KERNELPACMASK)=%#jx\n", (uintmax_t)PAC_MASK);
	memset(world->fake.memory + FAKECRASH_STACKS, 0, 3 * STACK_BYTES);
	for (enum fakecrash_task which = FAKECRASH_IDLE; which < FAKECRASH_ENDED; which++)
		put(world, fakecrash_task(which) + 32, stack(which == FAKECRASH_WAITING));
	return world;
}

static void open_machine(struct world *world)
{
	check_ok(machine_open(world->fake.core, MACHINE_TASKS, &world->machine));
	world->tools = machine_tools(world->machine);
}

static void open_world(struct world *world)
{
	fakecore_open(&world->fake);
	open_machine(world);
}

static void close_world(struct world *world)
{
	machine_close(world->machine);
	fakecore_deinit(&world->fake);
	free(world);
}

static void trace(struct world *world, enum fakecrash_task which)
{
	backtrace_task(&world->tools, &world->machine->threads, fakecrash_task(which), &world->trace);
}

// Functions, as text; interrupted ones with a mark.
static void check_trace(struct world *world, const char *wanted)
{
	char text[1024] = "";
	size_t used = 0;

	for (size_t i = 0; i < world->trace.count && used < sizeof(text) - 200; i++) {
		struct symbols_place place;

		backtrace_place(&world->tools, &world->trace.frames[i], &place);
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s%s", i ? " " : "", place.name,
		                         i && world->trace.frames[i].is_exact ? "*" : "");
	}
	check_text(text, wanted);
}

// A thread of the kernel that waits in a module.
static void put_waiting(struct world *world)
{
	uint64_t at = stack(1) + 0x3800;

	put_context(world, FAKECRASH_WAITING, at, in(FAKECRASH_SCHEDULE, 0x20));
	put_record(world, at, at + 0x40, fakecore_image + FAKECRASH_MODULE_TEXT + 0x44);
	put_record(world, at + 0x40, at + 0x80, in(FAKECRASH_KTHREAD, 0x80));
	put_record(world, at + 0x80, last_record(1), in(FAKECRASH_FORK, 0x10));
	put_end(world, 1, 0);
}

static void blocked(void)
{
	for (int has_marks = 0; has_marks < 2; has_marks++) {
		struct world *world = make(has_marks, false);

		put_waiting(world);
		open_world(world);
		trace(world, FAKECRASH_WAITING);
		check_trace(world, "schedule mod_wait kthread ret_from_fork");
		check_text(world->trace.why, "");
		check(!world->trace.is_user && world->trace.frames[1].sp == stack(1) + 0x3840);
		close_world(world);
	}
}

static void program(void)
{
	for (int has_marks = 0; has_marks < 2; has_marks++) {
		struct world *world = make(has_marks, false);

		put_waiting(world);
		put_record(world, stack(1) + 0x3880, last_record(1), in(FAKECRASH_ENTRY, 0x76));
		put_end(world, 1, 0x401000);
		open_world(world);
		trace(world, FAKECRASH_WAITING);
		check_trace(world, "schedule mod_wait kthread entry_SYSCALL_64_after_hwframe");
		check_text(world->trace.why, "");
		check(world->trace.is_user && world->trace.user_ip == 0x401000);
		close_world(world);
	}
}

// Until Linux v5.13 what began with ret_from_fork() had no record of its begin, and the first task of a CPU one of no function.
static void begins(void)
{
	static const uint64_t nowhere[] = {0, 0x40001000};

	for (size_t i = 0; i < array_size(nowhere); i++) {
		struct world *world = make(false, false);
		uint64_t at = stack(1) + STACK_BYTES - 0x20;

		put_context(world, FAKECRASH_WAITING, at, in(FAKECRASH_SCHEDULE, 0x20));
		put_record(world, at, at + 0x10, in(FAKECRASH_KTHREAD, 0x80));
		put(world, at + 0x18, nowhere[i]);
		put_context(world, FAKECRASH_IDLE, 0, in(FAKECRASH_FORK, 0));
		put_context(world, FAKECRASH_ENDED, at, in(FAKECRASH_SCHEDULE, 0x20));
		open_world(world);
		trace(world, FAKECRASH_WAITING);
		check_trace(world, "schedule kthread");
		check_text(world->trace.why, "");
		trace(world, FAKECRASH_IDLE);
		check_trace(world, "ret_from_fork");
		check(world->trace.frames[0].is_exact);
		check_text(world->trace.why, "");
		trace(world, FAKECRASH_ENDED);
		check(!world->trace.count && strstr(world->trace.why, "has ended"));
		close_world(world);
	}
}

// An interrupt, on a stack of its own, of a function whose code is given.
static struct world *make_interrupted(bool has_marks, const uint32_t *codes, size_t count, uint64_t offset)
{
	struct world *world = make(has_marks, false);
	uint64_t irq = stack(2) + 0x3f00, handler = stack(0) + 0x3000, record = stack(0) + 0x3000 + 0x40 + REGS_RECORD;
	uint64_t caller = stack(0) + 0x3800, call = in(FAKECRASH_WRITE, 0x10);

	put_code(world, in(FAKECRASH_SYSRQ, 0), codes, count);
	put_code(world, call, (const uint32_t[]){BL}, 1);
	put_cpu(world, in(FAKECRASH_PANIC, 0x40), irq, irq, 0);
	put_record(world, irq, handler, in(FAKECRASH_SOFTIRQS, 0x50));
	put_record(world, handler, record, in(FAKECRASH_CRASH_KEXEC, 0x90));
	put_regs(world, record, caller, call + 4, caller - 0x40, in(FAKECRASH_SYSRQ, offset), IN_KERNEL);
	put(world, record, has_marks ? 0 : caller);
	put(world, record + 8, has_marks ? 0 : in(FAKECRASH_SYSRQ, offset));
	put(world, record + 16, has_marks ? META_REGS : 0);
	put_record(world, caller, last_record(0), in(FAKECRASH_ENTRY, 0x76));
	put_end(world, 0, 0x401000);
	open_world(world);
	trace(world, FAKECRASH_CRASHED);
	check_text(world->trace.why, "");
	check(world->trace.is_user && world->trace.user_ip == 0x401000);
	return world;
}

// What was interrupted without a frame record of its own was called from where x30 says.
static void interrupted(void)
{
	static const uint32_t leaf[] = {NOP, NOP, NOP, RET};
	static const uint32_t framed[] = {PACIASP, STP_FRAME, MOV_FRAME, NOP, LDP_FRAME, RET};
	static const struct {
		const uint32_t *codes;
		size_t count;
		uint64_t offset;
		bool is_own;
	} rows[] = {
		{leaf, array_size(leaf), 8, false},     {framed, array_size(framed), 0, false},
		{framed, array_size(framed), 4, false}, {framed, array_size(framed), 8, false},
		{framed, array_size(framed), 12, true}, {framed, array_size(framed), 20, false},
	};

	for (size_t i = 0; i < 2 * array_size(rows); i++) {
		struct world *world = make_interrupted(i % 2, rows[i / 2].codes, rows[i / 2].count, rows[i / 2].offset);

		check_trace(world,
		            rows[i / 2].is_own
		                    ? "panic handle_softirqs __crash_kexec sysrq_handle_crash* "
		                      "entry_SYSCALL_64_after_hwframe"
		                    : "panic handle_softirqs __crash_kexec sysrq_handle_crash* ksys_write.isra.0 "
		                      "entry_SYSCALL_64_after_hwframe");
		close_world(world);
	}
}

// A CPU that a pointer to nowhere was called on, and one that was in a program.
static void running(void)
{
	struct world *world = make(true, false);
	uint64_t caller = stack(0) + 0x3800;

	put_code(world, in(FAKECRASH_WRITE, 0x10), (const uint32_t[]){BLR}, 1);
	put_cpu(world, 0, caller - 0x40, caller, in(FAKECRASH_WRITE, 0x14) ^ PAC);
	put_record(world, caller, last_record(0), in(FAKECRASH_ENTRY, 0x76));
	put_end(world, 0, 0x401000);
	open_world(world);
	trace(world, FAKECRASH_CRASHED);
	check_trace(world, " ksys_write.isra.0 entry_SYSCALL_64_after_hwframe");
	close_world(world);
}

// Stacks that lead in circles, nowhere, or to a sudden end: bounded, and told.
static void hostile(void)
{
	const uint64_t at = stack(1) + 0x3000, far = stack(0) + 0x2000, back = in(FAKECRASH_KTHREAD, 0x80);
	const struct {
		struct {
			uint64_t at, next, back;
		} records[3];
		size_t most; // Frames.
		const char *why;
	} rows[] = {
		{{{at, at, back}}, 2, "lead back to"},
		{{{at, at + 0x40, back}, {at + 0x40, at, back}}, 3, "lead back to"},
		{{{at, far, back}, {far, at, back}}, 3, "lead back to"},
		{{{at, at + 0x40, back}, {at + 0x40, at + 0x20, back}}, 3, "lead back to"},
		{{{at, at + 3, back}}, 2, "no frame record is at"},
		{{{at, UINT64_C(0xdead000000000100), back}}, 2, ""},
		{{{at, UINT64_C(0xffff800012340000), back}}, 2, ""},
		{{{at, 0, 0}}, 1, "where no stack ends"},
		{{{at, 0, back}}, 2, "where no stack ends"},
		{{{at, at + 0x40, 0}}, 1, "has no address"},
		{{{at, at + 0x40, 0x41414141}}, 2, "is no address of the kernel"},
	};

	for (size_t i = 0; i < array_size(rows); i++) {
		struct world *world = make(false, false);

		put_context(world, FAKECRASH_WAITING, at, in(FAKECRASH_SCHEDULE, 0x20));
		for (size_t n = 0; n < array_size(rows[i].records) && rows[i].records[n].at; n++) {
			put(world, rows[i].records[n].at, rows[i].records[n].next);
			put(world, rows[i].records[n].at + 8, rows[i].records[n].back);
		}
		open_world(world);
		trace(world, FAKECRASH_WAITING);
		if (!world->trace.why[0] || !strstr(world->trace.why, rows[i].why) || world->trace.count > rows[i].most)
			fprintf(stderr, "row %zu: %zu frames, %s\n", i, world->trace.count, world->trace.why);
		check(world->trace.why[0] && strstr(world->trace.why, rows[i].why));
		check(world->trace.count && world->trace.count <= rows[i].most);
		close_world(world);
	}
}

// Records that lead from stack to stack without end, and marks of no meaning.
static void more_hostile(void)
{
	struct world *world = make(true, false);
	uint64_t at = fakecore_image + FAKECRASH_FREE, step = STACK_BYTES + 0x10;

	put_context(world, FAKECRASH_WAITING, at, in(FAKECRASH_SCHEDULE, 0x20));
	for (unsigned int i = 0; i < 40; i++)
		put_record(world, at + i * step, at + (i + 1) * step, in(FAKECRASH_KTHREAD, 0x80));
	put_context(world, FAKECRASH_IDLE, stack(1) + 0x3000, in(FAKECRASH_SCHEDULE, 0x20));
	put(world, stack(1) + 0x3010, 7);
	open_world(world);
	trace(world, FAKECRASH_WAITING);
	check(strstr(world->trace.why, "more stacks than there are") && world->trace.count < 20);
	trace(world, FAKECRASH_IDLE);
	check(strstr(world->trace.why, "has no meaning") && world->trace.count == 1);
	close_world(world);
}

static void damaged(void)
{
	for (unsigned int seed = 0; seed < 200; seed++) {
		struct world *world = make(seed % 2, seed % 3 == 0);

		put_waiting(world);
		put_cpu(world, in(FAKECRASH_PANIC, 0x40), stack(0) + 0x3000, stack(0) + 0x3000, 0);
		put_end(world, 0, 0x401000);
		fakecrash_damage(&world->fake, FAKECRASH_STACKS, 2 * STACK_BYTES, seed);
		fakecrash_damage(&world->fake, FAKECRASH_STACKS + STACK_BYTES + 0x3800, 0x100, seed);
		fakecrash_damage(&world->fake, FAKECRASH_TASKS + FAKECRASH_WAITING * FAKECRASH_TASK_BYTES, 0x200, seed);
		fakecrash_damage(&world->fake, FAKECRASH_TEXT, 0xa00, seed);
		open_world(world);
		for (enum fakecrash_task which = FAKECRASH_IDLE; which < FAKECRASH_ENDED; which++) {
			trace(world, which);
			check(world->trace.count < 100);
		}
		close_world(world);
	}
}

// A kernel without symbols of variables: which task a CPU was running is seen from its stack, and its registers are in the dump
// only.
static void functions_only(void)
{
	struct world *world = make(false, true);
	uint64_t at = stack(0) + 0x3000;
	struct vmcore *core;
	uint64_t vaddr = 0;
	uint32_t cpu = 7;
	uint8_t *notes;
	size_t bytes = 20 + NOTE_BYTES;

	put_waiting(world);
	put(world, fakecrash_task(FAKECRASH_IDLE) + 32, stack(3));
	put_record(world, at, at + 0x40, in(FAKECRASH_SYSRQ, 0x30));
	put_record(world, at + 0x40, last_record(0), in(FAKECRASH_ENTRY, 0x76));
	put_end(world, 0, 0x401000);
	fakecore_open(&world->fake);
	core = world->fake.core;
	notes = realloc(core->notes, core->notes_bytes + bytes);
	check(notes && core->notes_bytes % 4 == 0);
	core->notes = notes;
	notes += core->notes_bytes;
	core->notes_bytes += bytes;
	memset(notes, 0, bytes);
	memcpy(notes, &(const uint32_t[]){5, NOTE_BYTES, 1}, 12);
	memcpy(notes + 12, "CORE", 5);
	fill_status(notes + 20, in(FAKECRASH_PANIC, 0x40), at, at, 0);
	open_machine(world);
	check(world->machine->threads.count == 4 && !kernel_has_symbol(world->machine->kernel, KERNEL_PANIC_CPU));
	check_ok(machine_crashed(world->machine, &cpu, &vaddr));
	check(cpu == 0 && vaddr == fakecrash_task(FAKECRASH_CRASHED));
	trace(world, FAKECRASH_CRASHED);
	check_trace(world, "panic sysrq_handle_crash entry_SYSCALL_64_after_hwframe");
	check(world->trace.is_user);
	trace(world, FAKECRASH_WAITING);
	check_trace(world, "schedule  kthread ret_from_fork");
	close_world(world);
}

// Ways through a function.
static void prologues(void)
{
	static const struct {
		uint32_t codes[12];
		size_t ip; // Instruction.
		enum prologue_state state;
	} rows[] = {
		{{PACIASP, STP_FRAME, MOV_FRAME, NOP, LDP_FRAME, RET}, 0, PROLOGUE_CALLERS},
		{{PACIASP, STP_FRAME, MOV_FRAME, NOP, LDP_FRAME, RET}, 2, PROLOGUE_CALLERS},
		{{PACIASP, STP_FRAME, MOV_FRAME, NOP, LDP_FRAME, RET}, 3, PROLOGUE_OWN},
		{{PACIASP, STP_FRAME, MOV_FRAME, NOP, LDP_FRAME, RET}, 5, PROLOGUE_CALLERS},
		{{STP_FRAME_UP, ADD_FRAME, BLR, NOP, RET}, 3, PROLOGUE_OWN},
		// The record is made on one way only, and what is behind an end belongs to the other.
		{{CBZ_3, NOP, RET, STP_FRAME, MOV_FRAME, BL, NOP}, 2, PROLOGUE_CALLERS},
		{{CBZ_3, NOP, RET, STP_FRAME, MOV_FRAME, BL, NOP}, 6, PROLOGUE_OWN},
		{{TBZ_3, NOP, RET, STP_FRAME, MOV_FRAME, BL, NOP}, 6, PROLOGUE_OWN},
		{{STP_FRAME, MOV_FRAME, B_EQ_3, LDP_FRAME, RET, NOP, NOP}, 5, PROLOGUE_OWN},
		{{STP_FRAME, MOV_FRAME, B_EQ_3, LDP_FRAME, RET, NOP, NOP}, 4, PROLOGUE_CALLERS},
		{{B_2, NOP, STP_FRAME, MOV_FRAME, NOP}, 4, PROLOGUE_OWN},
		// Backwards.
		{{B_2, RET, STP_FRAME, MOV_FRAME, B_BACK_3}, 1, PROLOGUE_OWN},
		// No way leads there.
		{{B_2, NOP, STP_FRAME, MOV_FRAME, NOP}, 1, PROLOGUE_UNKNOWN},
		{{STP_FRAME, MOV_FRAME, BR, NOP}, 3, PROLOGUE_UNKNOWN},
	};
	struct world *world = make(true, false);
	uint64_t vaddr = in(FAKECRASH_SYSRQ, 0);
	struct vmemory *memory;

	for (size_t i = 0; i < array_size(rows); i++)
		put_code(world, fakecore_image + FAKECRASH_FREE + 0x40 * i, rows[i].codes, array_size(rows[i].codes));
	open_world(world);
	memory = world->machine->kernel->memory;
	for (size_t i = 0; i < array_size(rows); i++) {
		uint64_t start = fakecore_image + FAKECRASH_FREE + 0x40 * i;
		enum prologue_state state = prologue_state_at(memory, start, 0x30, start + 4 * rows[i].ip);

		if (state != rows[i].state)
			fprintf(stderr, "row %zu: %d\n", i, state);
		check(state == rows[i].state);
	}
	check(prologue_state_at(memory, vaddr, 0x100, vaddr + 0x100) == PROLOGUE_UNKNOWN);
	check(prologue_state_at(memory, vaddr, 0x100, vaddr - 4) == PROLOGUE_UNKNOWN);
	check(prologue_state_at(memory, vaddr, 0x100, vaddr + 2) == PROLOGUE_UNKNOWN);
	check(prologue_state_at(memory, vaddr, 0, vaddr) == PROLOGUE_UNKNOWN);
	check(prologue_state_at(memory, vaddr, 3, vaddr) == PROLOGUE_UNKNOWN);
	check(prologue_state_at(memory, vaddr, UINT64_MAX, vaddr) == PROLOGUE_UNKNOWN);
	check(prologue_state_at(memory, UINT64_C(0xffff800012340000), 0x100, UINT64_C(0xffff800012340000)) ==
	      PROLOGUE_UNKNOWN);
	close_world(world);
}

static const struct test tests[] = {
	TEST(blocked), TEST(program),      TEST(begins),  TEST(interrupted),    TEST(running),
	TEST(hostile), TEST(more_hostile), TEST(damaged), TEST(functions_only), TEST(prologues),
};

int main(int argc, char **argv)
{
	return test_main(tests, array_size(tests), argc, argv);
}
