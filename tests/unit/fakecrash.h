// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * A small machine that crashed, in a fakecore: symbols, types, stacks with tables for unwinding, tasks, a module, registers.
 *
 * Has a log if a test gives it one. Its stacks are written down here, function by function, and so are the traces that must come of them.
 */
#ifndef FAKECRASH_H
#define FAKECRASH_H

#include "fakebtf.h"
#include "fakecore.h"
#include "fakesyms.h"

enum {
	FAKECRASH_BYTES = 4 << 20,
	FAKECRASH_FREE = 0x200000, // From here on nothing is there.
	FAKECRASH_TEXT = 0x100000, // Functions, 0x100 bytes each.
	FAKECRASH_FUNCTION_BYTES = 0x100,
	FAKECRASH_MODULE_TEXT = 0x120000,
	FAKECRASH_MODULE_BYTES = 0x1000,
	FAKECRASH_ORC = 0x130000,
	FAKECRASH_MODULE_ORC = 0x138000,
	FAKECRASH_VARIABLES = 0x140000, // 0x40 bytes each.
	FAKECRASH_VARIABLE_BYTES = 0x40,
	FAKECRASH_PER_CPU = 0x150000,
	FAKECRASH_PER_CPU_BYTES = 0x1000,
	FAKECRASH_RUNQUEUE = 0x400, // What each CPU has, from its start.
	FAKECRASH_NOTE = 0x800,
	FAKECRASH_MODULE = 0x158000, // struct module, and its symbols.
	FAKECRASH_TASKS = 0x160000, // 0x1000 bytes each, with struct signal_struct at 0x800.
	FAKECRASH_TASK_BYTES = 0x1000,
	FAKECRASH_SIGNAL = 0x800,
	FAKECRASH_STACKS = 0x170000, // 0x1000 bytes each.
	FAKECRASH_LOG = 0x17e000, // Where the log is, and then its records.
	FAKECRASH_RECORDS = 0x17e100,
	FAKECRASH_RECORDS_BYTES = 0x800,
	FAKECRASH_SYMBOLS = 0x180000,
	FAKECRASH_BTF = 0x1c0000,
	FAKECRASH_NAMES = 0x3f0000, // struct uts_namespace.
	FAKECRASH_TASK_COUNT = 4,
	FAKECRASH_CRASH_TIME = 1700000000,
	FAKECRASH_UPTIME = 4000,
};

/** Functions of the kernel, in the order of their addresses. */
enum fakecrash_function {
	FAKECRASH_STEXT,
	FAKECRASH_ENTRY,
	FAKECRASH_SYSRQ,
	FAKECRASH_WRITE,
	FAKECRASH_PANIC,
	FAKECRASH_CRASH_KEXEC,
	FAKECRASH_SCHEDULE,
	FAKECRASH_KTHREAD,
	FAKECRASH_SOFTIRQS,
	FAKECRASH_FORK,
	FAKECRASH_ETEXT,
	FAKECRASH_FUNCTIONS,
};

/** Tasks: the first, which is the idle one; the one that crashed; one that waits in the module; one that has ended. */
enum fakecrash_task { FAKECRASH_IDLE, FAKECRASH_CRASHED, FAKECRASH_WAITING, FAKECRASH_ENDED };

/** Variables. */
enum fakecrash_variable {
	FAKECRASH_PER_CPU_OFFSET,
	FAKECRASH_CRASH_NOTES,
	FAKECRASH_PANIC_CPU,
	FAKECRASH_NR_CPU_IDS,
	FAKECRASH_POSSIBLE,
	FAKECRASH_ONLINE,
	FAKECRASH_TAINTED,
	FAKECRASH_MODULES,
	FAKECRASH_TOTALRAM,
	FAKECRASH_TK_CORE,
	FAKECRASH_ORC_HEADER,
	FAKECRASH_ZONE_STAT,
	FAKECRASH_COMMAND_LINE,
	FAKECRASH_COMMAND_TEXT,
	FAKECRASH_VARIABLE_COUNT,
};

static inline uint64_t fakecrash_function(enum fakecrash_function which)
{
	return fakecore_image + FAKECRASH_TEXT + (uint64_t)which * FAKECRASH_FUNCTION_BYTES;
}

static inline uint64_t fakecrash_variable(enum fakecrash_variable which)
{
	return fakecore_image + FAKECRASH_VARIABLES + (uint64_t)which * FAKECRASH_VARIABLE_BYTES;
}

static inline uint64_t fakecrash_task(enum fakecrash_task which)
{
	return fakecore_image + FAKECRASH_TASKS + (uint64_t)which * FAKECRASH_TASK_BYTES;
}

static inline void fakecrash_put(struct fakecore *fake, uint64_t vaddr, uint64_t value, size_t size_bytes)
{
	memcpy(fake->memory + (vaddr - fakecore_image), &value, size_bytes);
}

// Layouts, as pahole would print them: offset and size of each member.
struct fakecrash_member {
	const char *name;
	uint32_t offset, bytes;
};

enum { FAKECRASH_MEMBERS_MAX = 16 };

struct fakecrash_struct {
	const char *name;
	uint32_t bytes;
	struct fakecrash_member members[FAKECRASH_MEMBERS_MAX];
};

static const struct fakecrash_struct fakecrash_structs[] = {
	{"task_struct",
         0x400,
         {{"__state", 24, 4},
          {"stack", 32, 8},
          {"flags", 40, 4},
          {"tasks", 64, 8},
          {"mm", 80, 8},
          {"exit_state", 88, 4},
          {"pid", 92, 4},
          {"tgid", 96, 4},
          {"parent", 104, 8},
          {"thread_node", 112, 8},
          {"comm", 128, 8},
          {"signal", 144, 8},
          {"thread", 160, 8}}},
	{"signal_struct", 64, {{"thread_head", 16, 8}}},
	{"thread_struct", 64, {{"sp", 8, 8}}},
	{"thread_info", 24, {{"cpu", 16, 4}}},
	{"inactive_task_frame", 56, {{"bp", 40, 8}, {"ret_addr", 48, 8}}},
	{"rq", 64, {{"curr", 8, 8}, {"idle", 16, 8}}},
	{"mm_struct", 64, {{"pgd", 0, 8}, {"total_vm", 8, 8}}},
	{"module",
         0x200,
         {{"list", 8, 8},
          {"name", 24, 8},
          {"taints", 80, 8},
          {"mem", 128, 48},
          {"core_layout", 176, 16},
          {"init_layout", 192, 16},
          {"arch", 256, 8},
          {"kallsyms", 320, 8},
          {"version", 360, 8}}},
	{"module_layout", 16, {{"base", 0, 8}, {"size", 8, 4}}},
	{"module_memory", 24, {{"base", 0, 8}, {"size", 8, 4}}},
	{"mod_arch_specific", 24, {{"num_orcs", 0, 4}, {"orc_unwind_ip", 8, 8}, {"orc_unwind", 16, 8}}},
	{"mod_kallsyms", 32, {{"symtab", 0, 8}, {"num_symtab", 8, 4}, {"strtab", 16, 8}}},
	{"uts_namespace", 400, {{"name", 0, 8}}},
	{"new_utsname", 390, {{"nodename", 65, 8}, {"release", 130, 8}, {"version", 195, 8}, {"machine", 260, 8}}},
	{"timekeeper", 64, {{"xtime_sec", 8, 8}, {"wall_to_monotonic", 16, 8}}},
};

/** An enumerator. */
struct fakecrash_enumerator {
	const char *type; /**< NULL: of an enumeration without a name. */
	const char *name;
	uint32_t value;
};

/** What a test's machine has beyond what all have. */
struct fakecrash_more {
	const struct fakecrash_struct *structs; /**< Also in place of those of the same name. */
	size_t struct_count;
	const struct fakecrash_enumerator *enumerators;
	size_t enumerator_count;
	const struct fakesym *symbols; /**< 16 at most. */
	size_t symbol_count;
	bool is_functions_only; /**< No symbols of variables, as without CONFIG_KALLSYMS_ALL. */
};

// Types of 1, 2, 4 and 8 bytes, and arrays of the last for more.
static inline uint32_t fakecrash_type(struct fakebtf *btf, const uint32_t ints[9], uint32_t bytes)
{
	uint32_t array[3] = {ints[8], ints[8], bytes / 8}, number;

	if (bytes <= 8)
		return ints[bytes];
	number = fakebtf_type(btf, NULL, 3, false, 0, 0);
	fakebtf_words(btf, array, 3);
	return number;
}

static inline void fakecrash_struct(struct fakebtf *btf, const uint32_t ints[9], const struct fakecrash_struct *made)
{
	uint32_t types[FAKECRASH_MEMBERS_MAX], count = 0;

	for (; count < FAKECRASH_MEMBERS_MAX && made->members[count].name; count++)
		types[count] = fakecrash_type(btf, ints, made->members[count].bytes);
	fakebtf_type(btf, made->name, 4, false, count, made->bytes);
	for (uint32_t m = 0; m < count; m++)
		fakebtf_member(btf, made->members[m].name, types[m], 8 * made->members[m].offset);
}

// form: as orc_form of report/orc.h; kernels of the first two have a mark for the end, those from the second on one for signals.
static inline void fakecrash_types(struct fakebtf *btf, unsigned int form, const struct fakecrash_more *more)
{
	uint32_t ints[9] = {0}, words[2];

	fakebtf_init(btf);
	for (uint32_t bytes = 1; bytes <= 8; bytes *= 2)
		ints[bytes] = fakebtf_int(btf, bytes == 8 ? "long" : bytes == 4 ? "int" : "small", bytes);
	// Of two with one name the first counts.
	for (size_t i = 0; i < more->struct_count; i++)
		fakecrash_struct(btf, ints, &more->structs[i]);
	for (size_t i = 0; i < array_size(fakecrash_structs); i++)
		fakecrash_struct(btf, ints, &fakecrash_structs[i]);
	for (size_t i = 0; i < more->enumerator_count; i++) {
		fakebtf_type(btf, more->enumerators[i].type, 6, false, 1, 4);
		words[0] = fakebtf_name(btf, more->enumerators[i].name);
		words[1] = more->enumerators[i].value;
		fakebtf_words(btf, words, 2);
	}
	fakebtf_type(btf, "orc_entry", 4, true, 1 + (form < 2) + (form > 0), 6);
	fakebtf_member(btf, "sp_offset", ints[2], 0);
	if (form < 2)
		fakebtf_member(btf, "end", ints[4], 43);
	if (form > 0)
		fakebtf_member(btf, "signal", ints[4], 43);
	fakebtf_type(btf, "zone_stat_item", 6, false, 1, 4);
	words[0] = fakebtf_name(btf, "NR_FREE_PAGES");
	words[1] = 1;
	fakebtf_words(btf, words, 2);
}

static inline size_t fakecrash_functions_only(struct fakesym *list, size_t count)
{
	size_t kept = 0;

	for (size_t i = 0; i < count; i++)
		if (list[i].type == 'T')
			list[kept++] = list[i];
	return kept;
}

static inline void fakecrash_symbols(struct fakecore *fake, uint64_t btf_bytes, const struct fakecrash_more *more)
{
	static const char *const functions[FAKECRASH_FUNCTIONS] = {
		"_stext",
		"entry_SYSCALL_64_after_hwframe",
		"sysrq_handle_crash",
		"ksys_write.isra.0",
		"panic",
		"__crash_kexec",
		"schedule",
		"kthread",
		"handle_softirqs",
		"ret_from_fork",
		"_etext",
	};
	static const char *const variables[FAKECRASH_VARIABLE_COUNT] = {
		"__per_cpu_offset",    "crash_notes",       "panic_cpu",          "nr_cpu_ids",
		"__cpu_possible_mask", "__cpu_online_mask", "tainted_mask",       "modules",
		"_totalram_pages",     "tk_core",           "__start_orc_header", "vm_zone_stat",
		"saved_command_line",  "command_text",
	};
	struct fakesym list[FAKECRASH_FUNCTIONS + FAKECRASH_VARIABLE_COUNT + 32];
	struct fakesyms syms = {
		.list = list, .encoding = FAKESYMS_ABSOLUTE_PERCPU, .marker_bytes = 4, .paddr = FAKECRASH_SYMBOLS};
	uint64_t orc = fakecore_image + FAKECRASH_ORC;
	size_t count = 0;

	list[count++] = (struct fakesym){'A', "runqueues", FAKECRASH_RUNQUEUE};
	for (unsigned int i = 0; i < FAKECRASH_FUNCTIONS; i++) {
		if (i == FAKECRASH_SCHEDULE)
			list[count++] = (struct fakesym){'T', "__sched_text_start", fakecrash_function(i) - 0x10};
		list[count++] = (struct fakesym){'T', functions[i], fakecrash_function(i)};
		if (i == FAKECRASH_SCHEDULE)
			list[count++] = (struct fakesym){'T', "__sched_text_end", fakecrash_function(i) + 0x90};
	}
	list[count++] = (struct fakesym){'r', "__start_orc_unwind_ip", orc};
	list[count++] = (struct fakesym){'r', "__stop_orc_unwind_ip", orc + 4 * (uint64_t)FAKECRASH_FUNCTIONS};
	list[count++] = (struct fakesym){'r', "__start_orc_unwind", orc + 0x1000};
	for (unsigned int i = 0; i < FAKECRASH_VARIABLE_COUNT; i++)
		list[count++] = (struct fakesym){'D', variables[i], fakecrash_variable(i)};
	list[count++] = (struct fakesym){'D', "init_task", fakecrash_task(FAKECRASH_IDLE)};
	list[count++] = (struct fakesym){'r', "__start_BTF", fakecore_image + FAKECRASH_BTF};
	list[count++] = (struct fakesym){'r', "__stop_BTF", fakecore_image + FAKECRASH_BTF + btf_bytes};
	for (size_t i = 0; i < more->symbol_count; i++)
		list[count++] = more->symbols[i];
	list[count++] = (struct fakesym){'D', "init_uts_ns", fakecore_image + FAKECRASH_NAMES};
	if (more->is_functions_only)
		count = fakecrash_functions_only(list, count);
	syms.count = count;
	fakesyms_write(fake, &syms);
}

// Bases of addresses, as forms 1 to 3 and form 4 number them (Linux arch/x86/include/asm/orc_types.h).
enum fakecrash_base { FAKECRASH_NONE, FAKECRASH_PREVIOUS, FAKECRASH_BP, FAKECRASH_SP };
// 0: nothing is known; the end; a call; registers.
enum fakecrash_frame { FAKECRASH_UNDEFINED, FAKECRASH_END, FAKECRASH_CALL, FAKECRASH_REGS };

static inline void fakecrash_entry(uint8_t *at, unsigned int form, enum fakecrash_frame frame, enum fakecrash_base base,
                                   int16_t sp_offset, int16_t bp_offset)
{
	static const uint8_t numbers[2][4] = {{0, 1, 4, 5}, {0, 8, 4, 3}};
	const uint8_t *number = numbers[form == 3];
	// bp was saved where there is an offset for it.
	uint8_t bp_base = number[bp_offset ? FAKECRASH_PREVIOUS : FAKECRASH_NONE];
	bool is_known = frame == FAKECRASH_CALL || frame == FAKECRASH_REGS;

	memcpy(at, &sp_offset, 2);
	memcpy(at + 2, &bp_offset, 2);
	at[4] = (uint8_t)((is_known ? number[base] : 0) | bp_base << 4);
	if (form >= 2)
		at[5] = (uint8_t)(frame | (frame == FAKECRASH_REGS) << 3);
	else
		at[5] = (uint8_t)((frame == FAKECRASH_REGS) | (frame == FAKECRASH_END) << (form == 0 ? 2 : 3) |
		                  (form == 1 && frame == FAKECRASH_REGS) << 2);
}

static inline void fakecrash_orc(struct fakecore *fake, unsigned int form)
{
	static const uint8_t header_4[] = {0x13, 0x7c, 0x36, 0xad};
	static const struct {
		enum fakecrash_frame frame;
		enum fakecrash_base base;
		int16_t sp_offset, bp_offset;
	} entries[FAKECRASH_FUNCTIONS] = {
		[FAKECRASH_ENTRY] = {FAKECRASH_REGS, FAKECRASH_SP, 0, 0},
		// Has a frame pointer: bp is 16 below the previous sp.
		[FAKECRASH_SYSRQ] = {FAKECRASH_CALL, FAKECRASH_BP, 16, -16},
		[FAKECRASH_WRITE] = {FAKECRASH_CALL, FAKECRASH_SP, 24, 0},
		[FAKECRASH_PANIC] = {FAKECRASH_CALL, FAKECRASH_SP, 32, 0},
		[FAKECRASH_SCHEDULE] = {FAKECRASH_CALL, FAKECRASH_SP, 16, 0},
		[FAKECRASH_KTHREAD] = {FAKECRASH_CALL, FAKECRASH_SP, 8, 0},
		[FAKECRASH_FORK] = {FAKECRASH_END, FAKECRASH_NONE, 0, 0},
	};
	uint64_t module_orc = fakecore_image + FAKECRASH_MODULE_ORC;

	for (unsigned int i = 0; i < FAKECRASH_FUNCTIONS; i++) {
		uint64_t at = fakecore_image + FAKECRASH_ORC + 4 * (uint64_t)i;

		fakecrash_put(fake, at, fakecrash_function(i) - at, 4);
		fakecrash_entry(fake->memory + FAKECRASH_ORC + 0x1000 + 6 * (size_t)i, form, entries[i].frame,
		                entries[i].base, entries[i].sp_offset, entries[i].bp_offset);
	}
	fakecrash_put(fake, module_orc, fakecore_image + FAKECRASH_MODULE_TEXT - module_orc, 4);
	fakecrash_entry(fake->memory + FAKECRASH_MODULE_ORC + 0x100, form, FAKECRASH_CALL, FAKECRASH_SP, 40, 0);
	if (form == 3)
		memcpy(fake->memory + FAKECRASH_VARIABLES + FAKECRASH_ORC_HEADER * FAKECRASH_VARIABLE_BYTES, header_4,
		       sizeof(header_4));
}

static inline void fakecrash_module(struct fakecore *fake)
{
	static const char names[] = "\0mod_wait\0mod_data";
	uint64_t module = fakecore_image + FAKECRASH_MODULE, table = module + 0x400, text = module + 0x800;
	uint64_t list = fakecrash_variable(FAKECRASH_MODULES);

	fakecrash_put(fake, list, module + 8, 8);
	fakecrash_put(fake, module + 8, list, 8);
	strcpy((char *)fake->memory + FAKECRASH_MODULE + 24, "faulty");
	fakecrash_put(fake, module + 80, 1 << 12, 8);
	fakecrash_put(fake, module + 128, fakecore_image + FAKECRASH_MODULE_TEXT, 8);
	fakecrash_put(fake, module + 136, FAKECRASH_MODULE_BYTES, 4);
	fakecrash_put(fake, module + 256, 1, 4);
	fakecrash_put(fake, module + 264, fakecore_image + FAKECRASH_MODULE_ORC, 8);
	fakecrash_put(fake, module + 272, fakecore_image + FAKECRASH_MODULE_ORC + 0x100, 8);
	fakecrash_put(fake, module + 320, module + 0x300, 8);
	fakecrash_put(fake, module + 0x300, table, 8);
	fakecrash_put(fake, module + 0x308, 3, 4);
	fakecrash_put(fake, module + 0x310, text, 8);
	memcpy(fake->memory + FAKECRASH_MODULE + 0x800, names, sizeof(names));
	// Elf64_Sym; the first one is none.
	for (uint64_t i = 1; i <= 2; i++) {
		fakecrash_put(fake, table + 24 * i, i == 1 ? 1 : 10, 4);
		fakecrash_put(fake, table + 24 * i + 4, i == 1 ? 2 : 1, 1);
		fakecrash_put(fake, table + 24 * i + 6, 1, 2);
		fakecrash_put(fake, table + 24 * i + 8, fakecore_image + FAKECRASH_MODULE_TEXT + (i - 1) * 0x800, 8);
		fakecrash_put(fake, table + 24 * i + 16, 0x100, 8);
	}
}

static inline void fakecrash_make_task(struct fakecore *fake, enum fakecrash_task which, const char *name, uint32_t pid,
                                       uint32_t state)
{
	uint64_t task = fakecrash_task(which), signal = task + FAKECRASH_SIGNAL;
	uint64_t next = fakecrash_task((which + 1) % FAKECRASH_TASK_COUNT);

	fakecrash_put(fake, task + 24, state, 4);
	fakecrash_put(fake, task + 32, which == FAKECRASH_ENDED ? 0 : fakecore_image + FAKECRASH_STACKS, 8);
	fakecrash_put(fake, task + 64, next + 64, 8);
	fakecrash_put(fake, next + 72, task + 64, 8);
	fakecrash_put(fake, task + 88, which == FAKECRASH_ENDED ? 32 : 0, 4);
	fakecrash_put(fake, task + 92, pid, 4);
	fakecrash_put(fake, task + 96, pid, 4);
	fakecrash_put(fake, task + 104, fakecrash_task(FAKECRASH_IDLE), 8);
	fakecrash_put(fake, task + 112, signal + 16, 8);
	fakecrash_put(fake, task + 120, signal + 16, 8);
	fakecrash_put(fake, signal + 16, task + 112, 8);
	fakecrash_put(fake, signal + 24, task + 112, 8);
	strcpy((char *)fake->memory + (task - fakecore_image) + 128, name);
	fakecrash_put(fake, task + 144, signal, 8);
}

// A stack: words from the address on. Returns the address.
static inline uint64_t fakecrash_stack(struct fakecore *fake, unsigned int number, const uint64_t *words, size_t count)
{
	uint64_t start = fakecore_image + FAKECRASH_STACKS + number * 0x1000;

	for (size_t i = 0; i < count; i++)
		fakecrash_put(fake, start + 8 * i, words[i], 8);
	return start;
}

// The note of a CPU, with registers: ELF's header, "CORE", struct elf_prstatus.
static inline void fakecrash_registers(struct fakecore *fake, uint32_t cpu, uint64_t ip, uint64_t sp, uint64_t bp)
{
	uint64_t note = fakecore_image + FAKECRASH_PER_CPU + (uint64_t)cpu * FAKECRASH_PER_CPU_BYTES + FAKECRASH_NOTE;
	uint64_t registers = note + 20 + 112;

	fakecrash_put(fake, note, 5, 4);
	fakecrash_put(fake, note + 4, 336, 4);
	fakecrash_put(fake, note + 8, 1, 4);
	memcpy(fake->memory + (note - fakecore_image) + 12, "CORE", 5);
	fakecrash_put(fake, registers + 32, bp, 8);
	fakecrash_put(fake, registers + 128, ip, 8);
	fakecrash_put(fake, registers + 136, 0x10, 8); // cs
	fakecrash_put(fake, registers + 152, sp, 8);
}

static inline void fakecrash_stacks(struct fakecore *fake)
{
	uint64_t start = fakecore_image + FAKECRASH_STACKS, back = fakecrash_function(FAKECRASH_PANIC) + 0x40;
	const uint64_t crashed[] = {
		0x1111,
		fakecrash_function(FAKECRASH_FORK) + 4, // Not behind a call of __crash_kexec().
		back,
		1,
		2,
		3,
		fakecrash_function(FAKECRASH_SYSRQ) + 0x30, // panic(): 32 bytes.
		// sysrq_handle_crash(): bp points here, to the bp of its caller.
		4,
		0x2222,
		fakecrash_function(FAKECRASH_WRITE) + 0x10,
		5,
		6,
		fakecrash_function(FAKECRASH_ENTRY) + 0x76, // ksys_write(): 24 bytes.
		// struct pt_regs of the program.
		15,
		14,
		13,
		12,
		0,
		11,
		0,
		0,
		0,
		0,
		0,
		0,
		0,
		0,
		0,
		1,
		0x401000,
		0x33,
		0x202,
		0x7ffc0000,
		0x2b,
	};
	const uint64_t waiting[] = {
		// struct inactive_task_frame
		15,
		14,
		13,
		12,
		11,
		0,
		fakecrash_function(FAKECRASH_SCHEDULE) + 0x20,
		7,
		fakecore_image + FAKECRASH_MODULE_TEXT + 0x44, // schedule(): 16 bytes.
		1,
		2,
		3,
		4,
		fakecrash_function(FAKECRASH_KTHREAD) + 0x80, // The module's: 40 bytes.
		fakecrash_function(FAKECRASH_FORK) + 0x22, // kthread(): 8 bytes.
	};
	uint64_t sp = fakecrash_stack(fake, 0, crashed, array_size(crashed)), distance;

	fakecrash_put(fake, fakecrash_task(FAKECRASH_WAITING) + 168,
	              fakecrash_stack(fake, 1, waiting, array_size(waiting)), 8);
	// panic() calls __crash_kexec().
	distance = fakecrash_function(FAKECRASH_CRASH_KEXEC) - back;
	fakecrash_put(fake, back - 5, 0xe8, 1);
	fakecrash_put(fake, back - 4, distance, 4);
	fakecrash_registers(fake, 0, fakecrash_function(FAKECRASH_CRASH_KEXEC) + 0x50, sp, start + 8 * 8);
}

static inline void fakecrash_variables(struct fakecore *fake)
{
	uint64_t per_cpu = fakecore_image + FAKECRASH_PER_CPU, clock = fakecrash_variable(FAKECRASH_TK_CORE) + 8;

	fakecrash_put(fake, fakecrash_variable(FAKECRASH_PER_CPU_OFFSET), per_cpu, 8);
	fakecrash_put(fake, fakecrash_variable(FAKECRASH_CRASH_NOTES), FAKECRASH_NOTE, 8);
	fakecrash_put(fake, fakecrash_variable(FAKECRASH_NR_CPU_IDS), 1, 4);
	fakecrash_put(fake, fakecrash_variable(FAKECRASH_POSSIBLE), 1, 8);
	fakecrash_put(fake, fakecrash_variable(FAKECRASH_ONLINE), 1, 8);
	fakecrash_put(fake, fakecrash_variable(FAKECRASH_TAINTED), 1 << 12 | 1 << 9, 8);
	fakecrash_put(fake, fakecrash_variable(FAKECRASH_TOTALRAM), 1024, 8);
	fakecrash_put(fake, fakecrash_variable(FAKECRASH_ZONE_STAT) + 8, 256, 8);
	fakecrash_put(fake, clock + 8, FAKECRASH_CRASH_TIME, 8);
	fakecrash_put(fake, clock + 16, (uint64_t)(FAKECRASH_UPTIME - FAKECRASH_CRASH_TIME), 8);
	fakecrash_put(fake, fakecrash_variable(FAKECRASH_COMMAND_LINE), fakecrash_variable(FAKECRASH_COMMAND_TEXT), 8);
	strcpy((char *)fake->memory + (fakecrash_variable(FAKECRASH_COMMAND_TEXT) - fakecore_image),
	       "root=/dev/vda quiet");
	fakecrash_put(fake, per_cpu + FAKECRASH_RUNQUEUE + 8, fakecrash_task(FAKECRASH_CRASHED), 8);
	fakecrash_put(fake, per_cpu + FAKECRASH_RUNQUEUE + 16, fakecrash_task(FAKECRASH_IDLE), 8);
}

/** A log, of records as Linux had them until v5.9: its lines come from 12.000000 s on. Before fakecore_open(). */
static inline void fakecrash_log(struct fakecore *fake, const char *const *lines)
{
	uint64_t log = fakecore_image + FAKECRASH_LOG, at = fakecore_image + FAKECRASH_RECORDS, start = at;

	for (; *lines; lines++) {
		uint64_t size = strlen(*lines), bytes = (16 + size + 7) & ~UINT64_C(7);

		fakecrash_put(fake, at, UINT64_C(12000000000), 8);
		fakecrash_put(fake, at + 8, bytes, 2);
		fakecrash_put(fake, at + 10, size, 2);
		memcpy(fake->memory + (at - fakecore_image) + 16, *lines, size);
		at += bytes;
	}
	fakecrash_put(fake, log, start, 8);
	fakecrash_put(fake, log + 8, FAKECRASH_RECORDS_BYTES, 4);
	fakecrash_put(fake, log + 16, at - start, 4);
	fakecore_info(
		fake,
		"SYMBOL(log_buf)=%jx\nSYMBOL(log_buf_len)=%jx\nSYMBOL(log_first_idx)=%jx\nSYMBOL(log_next_idx)=%jx\n",
		(uintmax_t)log, (uintmax_t)log + 8, (uintmax_t)log + 12, (uintmax_t)log + 16);
	fakecore_info(fake, "SIZE(printk_log)=16\nOFFSET(printk_log.ts_nsec)=0\nOFFSET(printk_log.len)=8\n"
	                    "OFFSET(printk_log.text_len)=10\nOFFSET(printk_log.dict_len)=12\n");
}

/** A second CPU, which runs the task that else waits, in the module. */
static inline void fakecrash_second_cpu(struct fakecore *fake)
{
	uint64_t per_cpu = fakecore_image + FAKECRASH_PER_CPU + FAKECRASH_PER_CPU_BYTES;

	fakecrash_put(fake, fakecrash_variable(FAKECRASH_PER_CPU_OFFSET) + 8, per_cpu, 8);
	fakecrash_put(fake, fakecrash_variable(FAKECRASH_NR_CPU_IDS), 2, 4);
	fakecrash_put(fake, fakecrash_variable(FAKECRASH_POSSIBLE), 3, 8);
	fakecrash_put(fake, fakecrash_variable(FAKECRASH_ONLINE), 3, 8);
	fakecrash_put(fake, per_cpu + FAKECRASH_RUNQUEUE + 8, fakecrash_task(FAKECRASH_WAITING), 8);
	fakecrash_put(fake, per_cpu + FAKECRASH_RUNQUEUE + 16, fakecrash_task(FAKECRASH_IDLE), 8);
	fakecrash_registers(fake, 1, fakecore_image + FAKECRASH_MODULE_TEXT + 0x44,
	                    fakecore_image + FAKECRASH_STACKS + 0x1000 + 9 * 8, 0);
}

/** Make it, with tables for unwinding of a form (0 to 3: those of report/orc.h), and more. Change it, then fakecore_open(). */
static inline void fakecrash_make_more(struct fakecore *fake, unsigned int form, const struct fakecrash_more *more)
{
	static struct fakebtf btf;

	fakecore_init(fake, FAKECRASH_BYTES);
	fakecore_info(fake, "SYMBOL(_stext)=%jx\nCRASHTIME=%d\n", (uintmax_t)fakecrash_function(FAKECRASH_STEXT),
	              FAKECRASH_CRASH_TIME);
	fakecrash_types(&btf, form, more);
	fakebtf_put(&btf, fake, FAKECRASH_BTF);
	fakecrash_symbols(fake, fakebtf_bytes(&btf), more);
	fakecrash_variables(fake);
	fakecrash_orc(fake, form);
	fakecrash_module(fake);
	fakecrash_make_task(fake, FAKECRASH_IDLE, "swapper/0", 0, 0);
	fakecrash_make_task(fake, FAKECRASH_CRASHED, "crasher", 77, 0);
	fakecrash_make_task(fake, FAKECRASH_WAITING, "waiter", 78, 2);
	fakecrash_make_task(fake, FAKECRASH_ENDED, "zombie", 79, 0);
	fakecrash_put(fake, fakecrash_task(FAKECRASH_CRASHED) + 80, fakecrash_task(FAKECRASH_CRASHED) + 0xc00, 8);
	fakecrash_stacks(fake);
}

/** Damage some words of a part of its memory: with nothing, all bits, a number, or the address of another word there. */
static inline void fakecrash_damage(struct fakecore *fake, uint64_t paddr, size_t size_bytes, unsigned int seed)
{
	uint64_t state = seed * UINT64_C(2654435761) + 1;

	for (unsigned int i = 0; i < 24; i++) {
		uint64_t words[4] = {0, UINT64_MAX};

		// Knuth's, of MMIX.
		state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
		words[2] = state >> 33 & 0xffff;
		words[3] = fakecore_image + paddr + (state >> 20) % size_bytes / 8 * 8;
		memcpy(fake->memory + paddr + (state >> 40) % size_bytes / 8 * 8, &words[state >> 61 & 3], 8);
	}
}

/** The same, with nothing more. */
static inline void fakecrash_make(struct fakecore *fake, unsigned int form)
{
	const struct fakecrash_more nothing = {0};

	fakecrash_make_more(fake, form, &nothing);
}

#endif
