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
	uint32_t cpu; // 1 more; 0: it is not said.
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
		check((cause.has_cpu ? cause.cpu + 1 : 0) == samples[i].cpu);
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
	         0,
	         0},
		{{"[   12.000001] BUG: unable to handle page fault for address: ffffffffc0000000",
	          "[   13.000000] Kernel panic - not syncing: Fatal exception in interrupt"},
	         CAUSE_OOPS,
	         "BUG: unable to handle page fault for address: ffffffffc0000000",
	         0,
	         0},
		{{"[  100.123456] general protection fault, probably for non-canonical address 0xdead000000000108: "
	          "0000 [#1] SMP"},
	         CAUSE_OOPS,
	         "general protection fault, probably for non-canonical address 0xdead000000000108: 0000 [#1] SMP",
	         0,
	         0},
		{{"[    5.000000] BUG: kernel NULL pointer dereference, address: 0000000000000000",
	          "[   12.000001] ------------[ cut here ]------------", "[   12.000002] kernel BUG at mm/slub.c:305!",
	          "[   12.000003] invalid opcode: 0000 [#2] SMP"},
	         CAUSE_BUG,
	         "kernel BUG at mm/slub.c:305!",
	         0,
	         0},
		{{"[    1.000000] Unable to handle kernel NULL pointer dereference at virtual address "
	          "0000000000000000"},
	         CAUSE_OOPS,
	         "Unable to handle kernel NULL pointer dereference at virtual address 0000000000000000",
	         0,
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
	         4711,
	         0},
		{{"[  363.000000] watchdog: BUG: soft lockup - CPU#2 stuck for 23s! [spin:815]",
	          "[  364.000000] Kernel panic - not syncing: softlockup: hung tasks"},
	         CAUSE_SOFT_LOCKUP,
	         "watchdog: BUG: soft lockup - CPU#2 stuck for 23s! [spin:815]",
	         0,
	         0},
		{{"[  363.000000] NMI watchdog: Watchdog detected hard LOCKUP on cpu 1",
	          "[  364.000000] Kernel panic - not syncing: Hard LOCKUP"},
	         CAUSE_HARD_LOCKUP,
	         "NMI watchdog: Watchdog detected hard LOCKUP on cpu 1",
	         0,
	         2},
		// A task that hung, and was not what the machine died of.
		{{"[  363.000000] INFO: task sleeper:4711 blocked for more than 120 seconds.",
	          "[  364.000000] Kernel panic - not syncing: NMI: Not continuing"},
	         CAUSE_NMI,
	         "NMI: Not continuing",
	         0,
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
	         0,
	         0},
		// Before v5.9 it was a fault.
		{{"[   32.000000] sysrq: SysRq : Trigger a crash",
	          "[   32.000001] BUG: unable to handle kernel NULL pointer dereference at 0000000000000000"},
	         CAUSE_SYSRQ,
	         "sysrq: SysRq : Trigger a crash",
	         0,
	         0},
		{{"[   32.000000] eater invoked oom-killer: gfp_mask=0x140cca(GFP_HIGHUSER_MOVABLE|__GFP_COMP), "
	          "order=0, oom_score_adj=0",
	          "[   32.000001] Kernel panic - not syncing: Out of memory: compulsory panic_on_oom is enabled"},
	         CAUSE_OUT_OF_MEMORY,
	         "eater invoked oom-killer: gfp_mask=0x140cca(GFP_HIGHUSER_MOVABLE|__GFP_COMP), order=0, "
	         "oom_score_adj=0",
	         0,
	         0},
		{{"[    2.000000] Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(0,0)"},
	         CAUSE_PANIC,
	         "VFS: Unable to mount root fs on unknown-block(0,0)",
	         0,
	         0},
		{{"[    2.000000] Kernel panic - not syncing: Attempted to kill init! exitcode=0x00000100"},
	         CAUSE_INIT,
	         "Attempted to kill init! exitcode=0x00000100",
	         0,
	         0},
		{{"[    2.000000] Linux version 6.1.0", "[    3.000000] all is well"}, CAUSE_UNKNOWN, "", 0, 0},
		// What a program wrote to the log is not what the kernel says.
		{{"[    2.000000] audit: Kernel panic - not syncing: no"}, CAUSE_UNKNOWN, "", 0, 0},
	};

	check_samples(samples, array_size(samples));
}

// The lines of a fault, of which one counts it; and what slub_debug=P has left in memory that was given back.
static void fault_lines(void)
{
	static const struct sample samples[] = {
		{{"[    8.000000] invalid opcode: 0000 [#1] PREEMPT SMP NOPTI"},
	         CAUSE_OOPS,
	         "invalid opcode: 0000 [#1] PREEMPT SMP NOPTI",
	         0,
	         0},
		{{"[    8.000000] Oops: invalid opcode: 0000 [#1] PREEMPT SMP NOPTI"},
	         CAUSE_OOPS,
	         "Oops: invalid opcode: 0000 [#1] PREEMPT SMP NOPTI",
	         0,
	         0},
		{{"[    8.000000] kernel BUG at mm/slub.c:305!", "[    8.000001] invalid opcode: 0000 [#1] SMP",
	          "[    8.000002] ---[ end trace 0000000000000000 ]---",
	          "[    9.000000] invalid opcode: 0000 [#2] SMP"},
	         CAUSE_OOPS,
	         "invalid opcode: 0000 [#2] SMP",
	         0,
	         0},
		{{"[    8.000000] BUG: unable to handle page fault for address: ffffa0bcffffffff",
	          "[    8.000001] Oops: 0002 [#1] PREEMPT SMP"},
	         CAUSE_OOPS,
	         "BUG: unable to handle page fault for address: ffffa0bcffffffff",
	         0,
	         0},
		{{"[    8.000000] Internal error: Oops - Undefined instruction: 0000000002000000 [#1] SMP"},
	         CAUSE_OOPS,
	         "Internal error: Oops - Undefined instruction: 0000000002000000 [#1] SMP",
	         0,
	         0},
		{{"[    8.000000] traps: PANIC: double fault, error_code: 0x0",
	          "[    8.000001] double fault: 0000 [#1] SMP"},
	         CAUSE_OOPS,
	         "traps: PANIC: double fault, error_code: 0x0",
	         0,
	         0},
		{{"[    8.000000] BUG: TASK stack guard page was hit at 00000000a (stack is 00000000b..00000000c)",
	          "[    8.000001] Oops: stack guard page: 0000 [#1] PREEMPT SMP NOPTI"},
	         CAUSE_STACK,
	         "BUG: TASK stack guard page was hit at 00000000a (stack is 00000000b..00000000c)",
	         0,
	         0},
		{{"[    8.000000] BUG: stack guard page was hit at 00000000a (stack is 00000000b..00000000c)",
	          "[    8.000001] kernel stack overflow (double-fault): 0000 [#1] SMP"},
	         CAUSE_STACK,
	         "BUG: stack guard page was hit at 00000000a (stack is 00000000b..00000000c)",
	         0,
	         0},
		{{"[    8.000000] general protection fault, probably for non-canonical address 0x6b6b6b6b6b6b6b7b: "
	          "0000 [#1] SMP"},
	         CAUSE_FREED,
	         "general protection fault, probably for non-canonical address 0x6b6b6b6b6b6b6b7b: 0000 [#1] SMP",
	         0,
	         0},
		{{"[    8.000000] BUG: KASAN: slab-use-after-free in test+0x1/0x2",
	          "[    8.000001] Kernel panic - not syncing: KASAN: panic_on_warn set ..."},
	         CAUSE_FREED,
	         "BUG: KASAN: slab-use-after-free in test+0x1/0x2",
	         0,
	         0},
		{{"[    8.000000] BUG: KFENCE: out-of-bounds read in test+0x1/0x2",
	          "[    8.000001] Kernel panic - not syncing: KFENCE: panic_on_warn set ..."},
	         CAUSE_BUG,
	         "BUG: KFENCE: out-of-bounds read in test+0x1/0x2",
	         0,
	         0},
		// What was found before is not what it died of.
		{{"[    8.000000] BUG: KFENCE: out-of-bounds read in test+0x1/0x2",
	          "[    8.000001] Kernel panic - not syncing: no root"},
	         CAUSE_PANIC,
	         "no root",
	         0,
	         0},
		// A count of something else.
		{{"[    8.000000] usb 1-1: port: 0 [#1]", "[    8.000000] try [#1]", "[    8.000000] abc [#1]"},
	         CAUSE_UNKNOWN,
	         "",
	         0,
	         0},
	};
	struct cause cause = {0};

	check_samples(samples, array_size(samples));
	cause_line(&cause, "[    8.000000] kernel BUG at mm/slub.c:305!");
	cause_line(&cause, "[    8.000001] invalid opcode: 0000 [#1] SMP");
	check(cause.oops_count == 1);
}

// Which CPU hangs, where another one tells of it.
static void cpus(void)
{
	static const struct sample samples[] = {
		{{"[  363.000000] watchdog: CPU3: Watchdog detected hard LOCKUP on cpu 2",
	          "[  364.000000] Kernel panic - not syncing: Hard LOCKUP"},
	         CAUSE_HARD_LOCKUP,
	         "watchdog: CPU3: Watchdog detected hard LOCKUP on cpu 2",
	         0,
	         3},
		{{"[  363.000000] watchdog: Watchdog detected hard LOCKUP on cpu 9999999",
	          "[  364.000000] Kernel panic - not syncing: Hard LOCKUP"},
	         CAUSE_HARD_LOCKUP,
	         "watchdog: Watchdog detected hard LOCKUP on cpu 9999999",
	         0,
	         0},
		{{"[   12.000000] rcu: INFO: rcu_preempt detected stalls on CPUs/tasks:",
	          "[   12.000001] rcu:  5-...!: (1 GPs behind) idle=c54c/1/0x4000000000000000 softirq=142/143 fqs=0",
	          "[   12.000002] rcu:  (detected by 1, t=5252 jiffies, g=-1019, q=3 ncpus=8)",
	          "[   12.000003] Kernel panic - not syncing: RCU Stall"},
	         CAUSE_RCU_STALL,
	         "rcu: INFO: rcu_preempt detected stalls on CPUs/tasks:",
	         0,
	         6},
		// Another one comes first.
		{{"[   12.000000] rcu: INFO: rcu_preempt detected stalls on CPUs/tasks:",
	          "[   12.000001] rcu: INFO: rcu_preempt self-detected stall on CPU",
	          "[   12.000002] rcu:  5-....: (2099 ticks this GP) idle=c54c/1/0x4000000000000000",
	          "[   12.000003] Kernel panic - not syncing: RCU Stall"},
	         CAUSE_RCU_STALL,
	         "rcu: INFO: rcu_preempt self-detected stall on CPU",
	         0,
	         0},
		{{"[   12.000000] rcu: INFO: rcu_preempt detected stalls on CPUs/tasks:",
	          "[   12.000001] rcu:  Tasks blocked on level-0 rcu_node (CPUs 0-3): P42/1:b..l",
	          "[   12.000003] Kernel panic - not syncing: RCU Stall"},
	         CAUSE_RCU_STALL,
	         "rcu: INFO: rcu_preempt detected stalls on CPUs/tasks:",
	         0,
	         0},
		{{"[   12.000000] rcu: INFO: rcu_preempt self-detected stall on CPU",
	          "[   12.000001] rcu:  5-....: (2099 ticks this GP) idle=c54c/1/0x4000000000000000",
	          "[   12.000003] Kernel panic - not syncing: RCU Stall"},
	         CAUSE_RCU_STALL,
	         "rcu: INFO: rcu_preempt self-detected stall on CPU",
	         0,
	         0},
		// It hung before, and not for ever.
		{{"[  363.000000] watchdog: Watchdog detected hard LOCKUP on cpu 2",
	          "[  364.000000] Kernel panic - not syncing: NMI: Not continuing"},
	         CAUSE_NMI,
	         "NMI: Not continuing",
	         0,
	         0},
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

static const struct test tests[] = {TEST(faults),      TEST(hangs), TEST(others),
                                    TEST(fault_lines), TEST(cpus),  TEST(counts)};

int main(int argc, char **argv)
{
	return test_main(tests, array_size(tests), argc, argv);
}
