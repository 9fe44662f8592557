// SPDX-License-Identifier: GPL-2.0-or-later
// Lines are those that Linux 4.19 to 6.12 printed.
#include "report/cause.h"

#include <string.h>

#include "test.h"

enum { LINES_MAX = 6 };

struct sample {
	const char *lines[LINES_MAX];
	enum cause_kind kind;
	const char *text;
	uint32_t pid;
};

static void check_samples(const struct sample *samples, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct cause cause = {0};

		for (size_t line = 0; line < LINES_MAX && samples[i].lines[line]; line++)
			cause_line(&cause, samples[i].lines[line]);
		cause_decide(&cause);
		check_text(cause_word(cause.kind), cause_word(samples[i].kind));
		check_text(cause.text, samples[i].text);
		check(cause.pid == samples[i].pid);
	}
}

static void faults(void)
{
	static const struct sample samples[] = {
		{{"[   12.000001] BUG: kernel NULL pointer dereference, address: 0000000000000008",
	          "[   12.000002] #PF: supervisor read access in kernel mode",
	          "[   12.000003] Oops: 0000 [#1] PREEMPT SMP NOPTI"},
	         CAUSE_OOPS,
	         "BUG: kernel NULL pointer dereference, address: 0000000000000008",
	         0},
		{{"[   12.000001] BUG: unable to handle page fault for address: ffffffffc0000000",
	          "[   13.000000] Kernel panic - not syncing: Fatal exception in interrupt"},
	         CAUSE_OOPS,
	         "BUG: unable to handle page fault for address: ffffffffc0000000",
	         0},
		{{"[  100.123456] general protection fault, probably for non-canonical address 0xdead000000000108: "
	          "0000 [#1] SMP"},
	         CAUSE_OOPS,
	         "general protection fault, probably for non-canonical address 0xdead000000000108: 0000 [#1] SMP",
	         0},
		{{"[    5.000000] BUG: kernel NULL pointer dereference, address: 0000000000000000",
	          "[   12.000001] ------------[ cut here ]------------", "[   12.000002] kernel BUG at mm/slub.c:305!",
	          "[   12.000003] invalid opcode: 0000 [#2] SMP"},
	         CAUSE_BUG,
	         "kernel BUG at mm/slub.c:305!",
	         0},
		{{"[    1.000000] Unable to handle kernel NULL pointer dereference at virtual address "
	          "0000000000000000"},
	         CAUSE_OOPS,
	         "Unable to handle kernel NULL pointer dereference at virtual address 0000000000000000",
	         0},
	};

	check_samples(samples, array_size(samples));
}

static void hangs(void)
{
	static const struct sample samples[] = {
		{{"[  363.000000] INFO: task sleeper:4711 blocked for more than 120 seconds.",
	          "[  363.000001]       Not tainted 6.1.0 #1",
	          "[  363.000009] Kernel panic - not syncing: hung_task: blocked tasks"},
	         CAUSE_HUNG_TASK,
	         "INFO: task sleeper:4711 blocked for more than 120 seconds.",
	         4711},
		{{"[  363.000000] watchdog: BUG: soft lockup - CPU#2 stuck for 23s! [spin:815]",
	          "[  364.000000] Kernel panic - not syncing: softlockup: hung tasks"},
	         CAUSE_SOFT_LOCKUP,
	         "watchdog: BUG: soft lockup - CPU#2 stuck for 23s! [spin:815]",
	         0},
		{{"[  363.000000] NMI watchdog: Watchdog detected hard LOCKUP on cpu 1",
	          "[  364.000000] Kernel panic - not syncing: Hard LOCKUP"},
	         CAUSE_HARD_LOCKUP,
	         "NMI watchdog: Watchdog detected hard LOCKUP on cpu 1",
	         0},
		// A task that hung, and was not what the machine died of.
		{{"[  363.000000] INFO: task sleeper:4711 blocked for more than 120 seconds.",
	          "[  364.000000] Kernel panic - not syncing: NMI: Not continuing"},
	         CAUSE_NMI,
	         "NMI: Not continuing",
	         0},
	};

	check_samples(samples, array_size(samples));
}

static void others(void)
{
	static const struct sample samples[] = {
		{{"[   32.000000] sysrq: Trigger a crash",
	          "[   32.000001] Kernel panic - not syncing: sysrq triggered crash"},
	         CAUSE_SYSRQ,
	         "sysrq triggered crash",
	         0},
		// Before v5.9 it was a fault.
		{{"[   32.000000] sysrq: SysRq : Trigger a crash",
	          "[   32.000001] BUG: unable to handle kernel NULL pointer dereference at 0000000000000000"},
	         CAUSE_SYSRQ,
	         "sysrq: SysRq : Trigger a crash",
	         0},
		{{"[   32.000000] eater invoked oom-killer: gfp_mask=0x140cca(GFP_HIGHUSER_MOVABLE|__GFP_COMP), "
	          "order=0, oom_score_adj=0",
	          "[   32.000001] Kernel panic - not syncing: Out of memory: compulsory panic_on_oom is enabled"},
	         CAUSE_OUT_OF_MEMORY,
	         "eater invoked oom-killer: gfp_mask=0x140cca(GFP_HIGHUSER_MOVABLE|__GFP_COMP), order=0, "
	         "oom_score_adj=0",
	         0},
		{{"[    2.000000] Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(0,0)"},
	         CAUSE_PANIC,
	         "VFS: Unable to mount root fs on unknown-block(0,0)",
	         0},
		{{"[    2.000000] Kernel panic - not syncing: Attempted to kill init! exitcode=0x00000100"},
	         CAUSE_INIT,
	         "Attempted to kill init! exitcode=0x00000100",
	         0},
		{{"[    2.000000] Linux version 6.1.0", "[    3.000000] all is well"}, CAUSE_UNKNOWN, "", 0},
		// What a program wrote to the log is not what the kernel says.
		{{"[    2.000000] audit: Kernel panic - not syncing: no"}, CAUSE_UNKNOWN, "", 0},
	};

	check_samples(samples, array_size(samples));
}

static void counts(void)
{
	struct cause cause = {0};

	cause_line(&cause, "[    5.000000] WARNING: CPU: 0 PID: 1 at kernel/fork.c:1 copy_process+0x1/0x2");
	cause_line(&cause, "[    6.500000] BUG: kernel NULL pointer dereference, address: 0000000000000000");
	cause_line(&cause, "no time");
	cause_decide(&cause);
	check(cause.warning_count == 1 && cause.oops_count == 1 && cause.last_us == 6500000 && cause.lines == 3);
	check(cause_of_function("sysrq_handle_crash") == CAUSE_SYSRQ && cause_of_function("schedule") == CAUSE_UNKNOWN);
}

static const struct test tests[] = {TEST(faults), TEST(hangs), TEST(others), TEST(counts)};

int main(int argc, char **argv)
{
	return test_main(tests, array_size(tests), argc, argv);
}
