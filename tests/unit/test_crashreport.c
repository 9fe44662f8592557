// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/crashreport.h"

#include "fakecrash.h"
#include "test.h"

static struct crashreport *open_report(struct fakecore *fake)
{
	struct crashreport *report;

	fakecore_open(fake);
	check_ok(crashreport_make(fake->core, MACHINE_TASKS, &report));
	return report;
}

static void close_report(struct fakecore *fake, struct crashreport *report)
{
	crashreport_free(report);
	fakecore_deinit(fake);
}

static char *to_text(const struct crashreport *report)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	crashreport_text(report, out);
	fclose(out);
	return text;
}

static void check_trace(const struct crashreport *report, const struct backtrace *trace, const char *const *names)
{
	struct backtrace_tools tools = machine_tools(report->machine);
	size_t count = 0;

	for (; names[count]; count++) {
		struct symbols_place place;

		check(count < trace->count);
		backtrace_place(&tools, &trace->frames[count], &place);
		check_text(place.name, names[count]);
	}
	check(count == trace->count);
}

static const char *const crashed_names[] = {
	"__crash_kexec", "panic", "sysrq_handle_crash", "ksys_write.isra.0", "entry_SYSCALL_64_after_hwframe", NULL,
};
static const char *const waiting_names[] = {"schedule", "mod_wait", "kthread", "ret_from_fork", NULL};

// Each form of the tables for unwinding gives the same traces.
static void check_form(unsigned int form)
{
	struct crashreport *report;
	struct backtrace_tools tools;
	struct threads_task task;
	struct backtrace trace;
	struct fakecore fake;

	fakecrash_make(&fake, form);
	report = open_report(&fake);
	check(report->machine && report->machine->orc.form == form);
	check_trace(report, &report->trace, crashed_names);
	check(report->trace.is_user && report->trace.user_ip == 0x401000 && !report->trace.why[0]);
	tools = machine_tools(report->machine);
	check_ok(machine_task(report->machine, 78, &task));
	backtrace_task(&tools, &report->machine->threads, task.vaddr, &trace);
	check_trace(report, &trace, waiting_names);
	check(!trace.is_user && !trace.why[0]);
	close_report(&fake, report);
}

static void form_1(void)
{
	check_form(ORC_FORM_1);
}

static void form_2(void)
{
	check_form(ORC_FORM_2);
}

static void form_3(void)
{
	check_form(ORC_FORM_3);
}

static void form_4(void)
{
	check_form(ORC_FORM_4);
}

static void glance(void)
{
	const char *const wanted[] = {
		"cause       sysrq\n",
		"crashed     2023-11-14 22:13:20 UTC, after 0 d 01:06:40\n",
		"tainted     WO\n",
		"crashed, CPU 0: crasher, PID 77\n",
		"waits, cannot be interrupted, CPU 0: waiter, PID 78 (of the kernel)\n",
		"mod_wait+0x44/0x100 [faulty]\n",
		"4 tasks; 1 of them wait",
		"  in all                 4\n",
		"  free                   1\n",
		"in the program, at 0x401000\n",
	};
	_cleanup_free_ char *text = NULL;
	struct crashreport *report;
	struct fakecore fake;

	fakecrash_make(&fake, ORC_FORM_3);
	report = open_report(&fake);
	text = to_text(report);
	for (size_t i = 0; i < array_size(wanted); i++) {
		if (!strstr(text, wanted[i]))
			fprintf(stderr, "no \"%s\" in\n%s", wanted[i], text);
		check(strstr(text, wanted[i]));
	}
	check(strlen(report->signature) == 16);
	close_report(&fake, report);
}

static void task_states(void)
{
	static const struct {
		uint32_t pid;
		const char *state;
	} wanted[] = {{77, "RU"}, {78, "UN"}, {79, "ZO"}};
	struct crashreport *report;
	struct threads_task task;
	struct fakecore fake;

	fakecrash_make(&fake, ORC_FORM_3);
	report = open_report(&fake);
	for (size_t i = 0; i < array_size(wanted); i++) {
		check_ok(machine_task(report->machine, wanted[i].pid, &task));
		check_text(task.state, wanted[i].state);
		check(task.is_active == (wanted[i].pid == 77) && task.ppid == 0);
	}
	check(report->machine->threads.count == FAKECRASH_TASK_COUNT);
	check_error(machine_task(report->machine, 4711, &task), ERROR_BAD_DATA, "there is no task 4711");
	close_report(&fake, report);
}

// Those that have no letter of their own are the kernel's D.
static void more_states(void)
{
	static const struct {
		uint32_t state;
		const char *name;
	} wanted[] = {{0x1000, "UN"}, {0x8000, "UN"}, {0x402, "ID"}, {0x8001, "IN"}, {0x2002, "UN"}, {0x100000, "??"}};

	for (size_t i = 0; i < array_size(wanted); i++) {
		struct crashreport *report;
		struct threads_task task;
		struct fakecore fake;

		fakecrash_make(&fake, ORC_FORM_3);
		fakecrash_put(&fake, fakecrash_task(FAKECRASH_WAITING) + 24, wanted[i].state, 4);
		report = open_report(&fake);
		check_ok(machine_task(report->machine, 78, &task));
		check_text(task.state, wanted[i].name);
		close_report(&fake, report);
	}
}

// Before Linux v6.4 a module has two pieces of memory; the second one is that of its initialization.
static void layouts(void)
{
	static const char mem[] = "\0mem";
	uint64_t module = fakecore_image + FAKECRASH_MODULE, init = fakecore_image + FAKECRASH_MODULE_TEXT + 0x4000;
	struct crashreport *report;
	struct symbols_place place;
	struct fakecore fake;
	uint8_t *name;

	fakecrash_make(&fake, ORC_FORM_3);
	name = memmem(fake.memory + FAKECRASH_BTF, FAKECRASH_BYTES - FAKECRASH_BTF, mem, sizeof(mem));
	check(name);
	name[1] = 'M';
	fakecrash_put(&fake, module + 176, fakecore_image + FAKECRASH_MODULE_TEXT, 8);
	fakecrash_put(&fake, module + 184, FAKECRASH_MODULE_BYTES, 4);
	fakecrash_put(&fake, module + 192, init, 8);
	fakecrash_put(&fake, module + 200, 0x800, 4);
	report = open_report(&fake);
	check(report->machine->modules.count == 1 && report->machine->modules.list[0].range_count == 2);
	check(report->machine->modules.list[0].size_bytes == FAKECRASH_MODULE_BYTES + 0x800);
	check(symbols_is_text(report->machine->symbols, init + 0x7ff));
	check(symbols_is_text(report->machine->symbols, fakecore_image + FAKECRASH_MODULE_TEXT + 8));
	check(!symbols_is_text(report->machine->symbols, init + 0x800));
	symbols_find(report->machine->symbols, init + 8, &place);
	check(place.module == &report->machine->modules.list[0]);
	close_report(&fake, report);
}

// Lists that lead into circles, and to nowhere, end; what is before them is told, and all else.
static void endless(void)
{
	uint64_t module = fakecore_image + FAKECRASH_MODULE;
	_cleanup_free_ char *text = NULL;
	struct crashreport *report;
	struct fakecore fake;

	fakecrash_make(&fake, ORC_FORM_3);
	fakecrash_put(&fake, module + 8, module + 8, 8);
	fakecrash_put(&fake, fakecrash_task(FAKECRASH_WAITING) + 64, fakecrash_task(FAKECRASH_CRASHED) + 64, 8);
	// kthread() returns to itself for ever.
	for (uint64_t i = 14; i < 14 + 2 * BACKTRACE_FRAMES_MAX; i++)
		fakecrash_put(&fake, fakecore_image + FAKECRASH_STACKS + 0x1000 + 8 * i,
		              fakecrash_function(FAKECRASH_KTHREAD) + 0x80, 8);
	report = open_report(&fake);
	check(report->machine->modules.count == 1 && report->machine->modules.why[0]);
	check(report->machine->threads.why[0]);
	text = to_text(report);
	check(strstr(text, "further down not known: there are more frames than 1024\n"));
	check(strstr(text, "      the same 1021 times more\n"));
	check(strstr(text, "further ones not known: the list of modules has no end\n"));
	check_trace(report, &report->trace, crashed_names);
	close_report(&fake, report);
}

// Without symbols nothing is known but that, and it is no error.
static void no_symbols(void)
{
	_cleanup_free_ char *text = NULL;
	struct crashreport *report;
	struct fakecore fake;

	fakecrash_make(&fake, ORC_FORM_3);
	memset(fake.memory + FAKECRASH_SYMBOLS, 0, 0x10000);
	report = open_report(&fake);
	check(report->machine && report->machine->kernel->symbols_why[0]);
	text = to_text(report);
	check(strstr(text, "cause       unknown\n") && strstr(text, "which task crashed is not known: "));
	check(strstr(text, "signature   not known\n") && !report->signature[0]);
	close_report(&fake, report);
}

// The same of types: registers are still there.
static void no_types(void)
{
	struct crashreport *report;
	struct cpulist_registers registers;
	struct fakecore fake;

	fakecrash_make(&fake, ORC_FORM_3);
	memset(fake.memory + FAKECRASH_BTF, 0, 24);
	report = open_report(&fake);
	check(report->machine && report->machine->kernel->types_why[0] && !report->machine->kernel->symbols_why[0]);
	check_ok(cpulist_registers(report->machine->kernel, 0, &registers));
	check(registers.values[CPULIST_IP] == fakecrash_function(FAKECRASH_CRASH_KEXEC) + 0x50);
	close_report(&fake, report);
}

static void command_line(void)
{
	char text[OVERVIEW_COMMAND_LINE_BYTES];
	struct crashreport *report;
	struct fakecore fake;

	fakecrash_make(&fake, ORC_FORM_3);
	report = open_report(&fake);
	check_ok(overview_command_line(report->machine->kernel, text));
	check_text(text, "root=/dev/vda quiet");
	close_report(&fake, report);
}

static void count_places(void *context, const struct symbols_place *place)
{
	uint64_t *vaddr = context;

	*vaddr = place->vaddr;
}

static void names(void)
{
	struct crashreport *report;
	struct symbols_place place;
	struct fakecore fake;
	uint64_t vaddr = 0;

	fakecrash_make(&fake, ORC_FORM_3);
	report = open_report(&fake);
	check_ok(symbols_each(report->machine->symbols, "mod_data", count_places, &vaddr));
	check(vaddr == fakecore_image + FAKECRASH_MODULE_TEXT + 0x800);
	check_ok(symbols_each(report->machine->symbols, "kthread", count_places, &vaddr));
	check(vaddr == fakecrash_function(FAKECRASH_KTHREAD));
	symbols_find(report->machine->symbols, vaddr + 8, &place);
	check_text(place.name, "kthread");
	check(place.offset_bytes == 8 && place.size_bytes == FAKECRASH_FUNCTION_BYTES && !place.module);
	symbols_find(report->machine->symbols, 0x401000, &place);
	check(!place.name[0] && !place.module);
	// Behind the last symbol of all nothing is known.
	symbols_find(report->machine->symbols, fakecore_image + FAKECRASH_BYTES - 8, &place);
	check(!place.name[0]);
	close_report(&fake, report);
}

// Labels have no names. Some of them may lie between a function and an address in it, but not any number.
static void labels(void)
{
	static const struct {
		uint64_t count;
		const char *name;
	} cases[] = {{15, "mod_wait"}, {16, ""}};

	for (size_t i = 0; i < array_size(cases); i++) {
		uint64_t module = fakecore_image + FAKECRASH_MODULE, text = fakecore_image + FAKECRASH_MODULE_TEXT;
		struct crashreport *report;
		struct symbols_place place;
		struct fakecore fake;

		fakecrash_make(&fake, ORC_FORM_3);
		fakecrash_put(&fake, module + 0x308, 3 + cases[i].count, 4);
		for (uint64_t n = 0; n < cases[i].count; n++) {
			uint64_t at = module + 0x400 + 24 * (3 + n);

			fakecrash_put(&fake, at + 6, 1, 2);
			fakecrash_put(&fake, at + 8, text + 1 + n, 8);
		}
		report = open_report(&fake);
		symbols_find(report->machine->symbols, text + 0x40, &place);
		check_text(place.name, cases[i].name);
		check(place.module && (!place.name[0] || (place.offset_bytes == 0x40 && place.size_bytes == 0x100)));
		close_report(&fake, report);
	}
}

// Which functions count, and what of their names.
static void signatures(void)
{
	struct signature plain, suffix, other, order;

	signature_init(&plain, CAUSE_OOPS);
	signature_add(&plain, "foo");
	signature_add(&plain, "bar");
	signature_init(&suffix, CAUSE_OOPS);
	signature_add(&suffix, "foo.constprop.0");
	signature_add(&suffix, "bar.isra.0.cold");
	signature_init(&other, CAUSE_BUG);
	signature_add(&other, "foo");
	signature_add(&other, "bar");
	signature_init(&order, CAUSE_OOPS);
	signature_add(&order, "foob");
	signature_add(&order, "ar");
	check(plain.hash == suffix.hash && plain.hash != other.hash && plain.hash != order.hash);
	check(signature_is_handler("panic") && signature_is_handler("oops_end.cold") &&
	      !signature_is_handler("panic2"));
	// FNV-1a of "oops", NUL, "foo", NUL, "bar", NUL, as another program computes it.
	check(plain.hash == UINT64_C(0xecc96b68f8c28a15));
}

// Frames of a trace: names of functions, with '!' in front of those that were interrupted; behind "^" it is from outside.
static void make_trace(const char *const *names, struct backtrace *ret)
{
	static const char *const known[FAKECRASH_FUNCTIONS] = {
		[FAKECRASH_ENTRY] = "entry",     [FAKECRASH_SYSRQ] = "sysrq",       [FAKECRASH_WRITE] = "write",
		[FAKECRASH_PANIC] = "panic",     [FAKECRASH_CRASH_KEXEC] = "kexec", [FAKECRASH_SCHEDULE] = "schedule",
		[FAKECRASH_KTHREAD] = "kthread", [FAKECRASH_SOFTIRQS] = "softirqs",
	};

	*ret = (struct backtrace){.is_from_outside = names[0] && names[0][0] == '^'};
	names += ret->is_from_outside;
	for (; names[ret->count]; ret->count++) {
		const char *name = names[ret->count];
		struct backtrace_frame *frame = &ret->frames[ret->count];

		frame->is_exact = name[0] == '!' || !ret->count;
		// Else an address at which nothing is.
		frame->ip = fakecore_image + FAKECRASH_BYTES - 8;
		for (unsigned int i = 0; i < FAKECRASH_FUNCTIONS; i++)
			if (known[i] && strcmp(known[i], name + (name[0] == '!')) == 0)
				frame->ip = fakecrash_function(i) + 8;
	}
}

// What a signature is made of: the cause, and these functions.
static void signature_frames(void)
{
	static const struct {
		enum cause_kind kind;
		const char *frames[20];
		const char *counts[6];
	} cases[] = {
		{CAUSE_PANIC, {"kexec", "panic", "write", "entry"}, {"ksys_write", "entry_SYSCALL_64_after_hwframe"}},
		// panic() once more, further down: it is not where the crash begins.
		{CAUSE_PANIC, {"kexec", "write", "panic", "schedule"}, {"ksys_write", "panic", "schedule"}},
		{CAUSE_PANIC, {"write", "panic", "schedule"}, {"ksys_write", "panic", "schedule"}},
		{CAUSE_OOPS, {"kexec", "panic", "!write", "panic", "!schedule"}, {"ksys_write", "panic"}},
		// A handler that is not known.
		{CAUSE_OOPS, {"kexec", "panic", "entry", "!write", "schedule"}, {"ksys_write", "schedule"}},
		// A handler of interrupts that crashed.
		{CAUSE_SYSRQ, {"kexec", "panic", "sysrq", "!schedule", "kthread"}, {"sysrq_handle_crash"}},
		{CAUSE_HARD_LOCKUP, {"kexec", "panic", "sysrq", "!schedule", "kthread"}, {"schedule", "kthread"}},
		{CAUSE_SOFT_LOCKUP, {"kexec", "panic", "sysrq", "!write", "!kthread"}, {"ksys_write", "kthread"}},
		{CAUSE_RCU_STALL, {"kexec", "panic", "sysrq", "!schedule"}, {"schedule"}},
		{CAUSE_NMI, {"kexec", "panic", "sysrq", "!schedule"}, {"schedule"}},
		// The interrupt came upon a program.
		{CAUSE_NMI, {"kexec", "panic", "sysrq"}, {"sysrq_handle_crash"}},
		// The registers are those of a CPU that was stopped by another one.
		{CAUSE_HARD_LOCKUP, {"schedule", "write", "!kthread"}, {"schedule", "ksys_write", "kthread"}},
		// What an interrupt has put off, behind an interrupt or in a thread.
		{CAUSE_OOPS, {"write", "softirqs", "entry", "!schedule"}, {"ksys_write", "handle_softirqs"}},
		{CAUSE_NMI, {"kexec", "panic", "!write", "softirqs", "kthread"}, {"ksys_write", "handle_softirqs"}},
		// In what a task waits, and for whom; what noticed it counts where the task is not known.
		{CAUSE_HUNG_TASK,
	         {"schedule", "schedule", "write", "entry"},
	         {"ksys_write", "entry_SYSCALL_64_after_hwframe"}},
		{CAUSE_HUNG_TASK, {"kexec", "panic", "kthread", "schedule"}, {"kthread", "schedule"}},
		{CAUSE_PANIC, {"schedule", "kthread"}, {"schedule", "kthread"}},
		{CAUSE_OUT_OF_MEMORY, {"kexec", "panic", "sysrq", "write", "entry"}, {"sysrq_handle_crash"}},
		// An exception with a handler that is not known.
		{CAUSE_FREED, {"kexec", "panic", "entry", "!write", "schedule"}, {"ksys_write", "schedule"}},
		// Wherever the stack ended.
		{CAUSE_STACK,
	         {"write", "sysrq", "write", "sysrq", "write", "sysrq", "write", "sysrq", "entry"},
	         {"ksys_write", "sysrq_handle_crash", "entry_SYSCALL_64_after_hwframe"}},
		{CAUSE_STACK,
	         {"schedule", "sysrq", "write", "sysrq", "write", "sysrq", "write", "sysrq", "write", "entry"},
	         {"ksys_write", "sysrq_handle_crash", "entry_SYSCALL_64_after_hwframe"}},
		{CAUSE_STACK,
	         {"write", "write", "write", "entry"},
	         {"ksys_write", "ksys_write", "ksys_write", "entry_SYSCALL_64_after_hwframe"}},
		// Where the kernel was when somebody made a dump of it.
		{CAUSE_OOPS,
	         {"^", "schedule", "kthread", "!panic", "panic", "!write", "entry"},
	         {"ksys_write", "entry_SYSCALL_64_after_hwframe"}},
		{CAUSE_OOPS, {"^", "write", "entry"}, {"ksys_write", "entry_SYSCALL_64_after_hwframe"}},
		// None is known.
		{CAUSE_PANIC, {NULL}, {NULL}},
		{CAUSE_PANIC, {"kexec", "panic"}, {NULL}},
		{CAUSE_OOPS, {"kexec", "panic", "nowhere"}, {NULL}},
	};
	struct crashreport *report;
	struct backtrace_tools tools;
	struct fakecore fake;

	fakecrash_make(&fake, ORC_FORM_3);
	report = open_report(&fake);
	tools = machine_tools(report->machine);
	for (size_t i = 0; i < array_size(cases); i++) {
		char text[SIGNATURE_BYTES] = "untouched", wanted[SIGNATURE_BYTES] = "";
		struct signature signature;
		struct backtrace trace;

		make_trace(cases[i].frames, &trace);
		signature_make(&tools, &trace, cases[i].kind, text);
		signature_init(&signature, cases[i].kind);
		for (size_t n = 0; cases[i].counts[n]; n++)
			signature_add(&signature, cases[i].counts[n]);
		if (cases[i].counts[0])
			snprintf(wanted, sizeof(wanted), "%016jx", (uintmax_t)signature.hash);
		check_text(text, wanted);
	}
	close_report(&fake, report);
}

// A pointer to nowhere was called: who called it is at the top of the stack, if that is behind a call.
static void nowhere(void)
{
	static const struct {
		uint64_t ip;
		uint8_t code[7]; // Before the return address.
		bool is_known;
	} cases[] = {
		{0, {0x90, 0x90, 0x90, 0x90, 0x90, 0xff, 0xd0}, true},
		{0, {0x90, 0x90, 0x90, 0x90, 0xff, 0x50, 0x08}, true},
		{0x123400005678, {0x90, 0x90, 0xe8, 1, 2, 3, 4}, true},
		{0, {0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90}, false},
		{0, {0x90, 0x90, 0x90, 0x90, 0x90, 0xff, 0xe0}, false}, // A jump.
	};
	static const char *const names[] = {"", "ksys_write.isra.0", "entry_SYSCALL_64_after_hwframe", NULL};
	uint64_t back = fakecrash_function(FAKECRASH_WRITE) + 0x10;

	for (size_t i = 0; i < array_size(cases); i++) {
		struct crashreport *report;
		struct fakecore fake;

		fakecrash_make(&fake, ORC_FORM_3);
		fakecrash_registers(&fake, 0, cases[i].ip, fakecore_image + FAKECRASH_STACKS + 9 * 8, 0);
		memcpy(fake.memory + (back - fakecore_image) - 7, cases[i].code, 7);
		report = open_report(&fake);
		if (cases[i].is_known) {
			check_trace(report, &report->trace, names);
			check(report->trace.is_user && !report->trace.why[0] && report->trace.frames[1].is_found);
		} else {
			check(report->trace.count == 1 && report->trace.why[0]);
		}
		close_report(&fake, report);
	}
}

// A CPU hangs, and another one notices: what the first one does is what crashed.
static void other_cpu(void)
{
	static const char *const logs[][3] = {
		{"watchdog: CPU0: Watchdog detected hard LOCKUP on cpu 1", "Kernel panic - not syncing: Hard LOCKUP",
	         NULL},
		{"watchdog: CPU0: Watchdog detected hard LOCKUP on cpu 0", "Kernel panic - not syncing: Hard LOCKUP",
	         NULL},
		{"watchdog: CPU0: Watchdog detected hard LOCKUP on cpu 2", "Kernel panic - not syncing: Hard LOCKUP",
	         NULL},
	};
	static const char *const hangs[] = {"mod_wait", "kthread", "ret_from_fork", NULL};

	for (size_t i = 0; i < array_size(logs); i++) {
		_cleanup_free_ char *text = NULL, *document = NULL;
		struct crashreport *report;
		struct fakecore fake;
		struct json json;
		size_t size;
		FILE *out;

		fakecrash_make(&fake, ORC_FORM_3);
		fakecrash_second_cpu(&fake);
		fakecrash_log(&fake, logs[i]);
		report = open_report(&fake);
		check(report->cause.kind == CAUSE_HARD_LOCKUP);
		check_trace(report, &report->trace, i ? crashed_names : hangs);
		text = to_text(report);
		out = open_memstream(&document, &size);
		json_init(&json, out);
		crashreport_json(report, &json);
		check_ok(json_finish(&json));
		fclose(out);
		check(!!strstr(text, "\nhangs, CPU 1: waiter, PID 78 (of the kernel)\n  #0 ") == !i);
		check(strstr(text, "\ncrashed, CPU 0: crasher, PID 77\n  #0 "));
		// Once, and not with those that other CPUs were running.
		check(!!strstr(text, "\nrunning, CPU 1: waiter") == !!i);
		check(!!strstr(document, "\"trace_of_cpu\": 1,") == !i);
		check(strstr(document, i ? "\"sysrq_handle_crash\",\n"
		                         : "\"signature_functions\": [\n    \"mod_wait\",\n    \"kthread\",\n"));
		close_report(&fake, report);
	}
}

static const struct test tests[] = {
	TEST(form_1),      TEST(form_2),  TEST(form_3),     TEST(form_4),           TEST(glance),   TEST(task_states),
	TEST(more_states), TEST(layouts), TEST(endless),    TEST(no_symbols),       TEST(no_types), TEST(command_line),
	TEST(names),       TEST(labels),  TEST(signatures), TEST(signature_frames), TEST(nowhere),  TEST(other_cpu),
};

int main(int argc, char **argv)
{
	return test_main(tests, array_size(tests), argc, argv);
}
