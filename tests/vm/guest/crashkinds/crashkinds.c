// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * crashkinds: crashes the kernel in the way that is written to /sys/module/crashkinds/parameters/kind.
 *
 * Each way is a function that is named for it, so that a test knows what a trace must begin with. What is not the module's to
 * decide (whether a hung task is a panic …) was set by sysctl before.
 */
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/interrupt.h>
#include <linux/io.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/panic.h>
#include <linux/slab.h>
#include <linux/timer.h>

struct thing {
	struct thing *next;
	void (*call)(struct thing *thing);
	long values[6];
};

static noinline void crashkinds_null(void)
{
	struct thing *thing = NULL;

	OPTIMIZER_HIDE_VAR(thing);
	WRITE_ONCE(thing->values[0], 1);
}

static noinline void crashkinds_wild(void)
{
	/* Where nothing is mapped: behind the direct map of any machine of this size. */
	struct thing *thing = (void *)(PAGE_OFFSET + (1UL << 44));

	OPTIMIZER_HIDE_VAR(thing);
	READ_ONCE(thing->values[0]);
}

static noinline void crashkinds_gpf(void)
{
	struct thing *thing = (void *)0x1234567890abcdefUL;

	OPTIMIZER_HIDE_VAR(thing);
	READ_ONCE(thing->values[0]);
}

static noinline void crashkinds_divide(void)
{
	unsigned int by = 0;

	OPTIMIZER_HIDE_VAR(by);
	pr_info("%u\n", 4711 / by);
}

static noinline void crashkinds_opcode(void)
{
	asm volatile("ud2");
	unreachable();
}

static noinline void crashkinds_bug(void)
{
	int wrong = 1;

	OPTIMIZER_HIDE_VAR(wrong);
	BUG_ON(wrong);
	pr_info("not reached\n");
}

static noinline void crashkinds_warn(void)
{
	WARN(1, "crashkinds warns");
	pr_info("not reached\n");
}

static noinline void crashkinds_panic(void)
{
	panic("crashkinds gives up: %d", 42);
}

/* Calls what is not there. */
static noinline void crashkinds_call_null(void)
{
	struct thing thing = {};

	OPTIMIZER_HIDE_VAR(thing.call);
	thing.call(&thing);
	pr_info("not reached\n");
}

static noinline void crashkinds_call_wild(void)
{
	struct thing thing = {.call = (void *)0x0000123400005678UL};

	OPTIMIZER_HIDE_VAR(thing.call);
	thing.call(&thing);
	pr_info("not reached\n");
}

static noinline int crashkinds_overflow(int depth)
{
	volatile char room[256];

	room[depth & 255] = (char)depth;
	return depth < 1 << 20 ? crashkinds_overflow(depth + 1) + room[0] : 0;
}

static noinline void crashkinds_smash(void)
{
	char room[16];
	char *at = room;

	OPTIMIZER_HIDE_VAR(at);
	memset(at, 0x55, 32);
	pr_info("%s\n", at);
}

/* What was freed is used: with slub_debug=P there is poison in it. */
static noinline void crashkinds_freed(void)
{
	struct thing *thing = kzalloc(sizeof(*thing), GFP_KERNEL);

	if (!thing)
		return;
	kfree(thing);
	OPTIMIZER_HIDE_VAR(thing);
	thing = READ_ONCE(thing->next);
	WRITE_ONCE(thing->values[0], 1);
}

/* To the host, and without the kernel's console: what comes next is what an interrupt finds. */
static __always_inline void tell(const char *text)
{
	for (; *text; text++) {
		while (!(inb(0x3fd) & 0x20))
			cpu_relax();
		outb(*text, 0x3f8);
	}
}

static noinline void crashkinds_soft(void)
{
	preempt_disable();
	tell("@spins\n");
	for (;;)
		cpu_relax();
}

/* Of kernel/rcu/rcu.h: not 0 in its last two bits while a grace period lasts. */
extern unsigned long rcu_get_gp_seq(void);

static struct rcu_head again;

static void crashkinds_again(struct rcu_head *head)
{
	call_rcu(head, crashkinds_again);
}

/* A grace period must have begun: with the CPU in here none begins. */
static noinline void crashkinds_stall(void)
{
	call_rcu(&again, crashkinds_again);
	for (;;) {
		preempt_disable();
		if (rcu_get_gp_seq() & 3)
			break;
		preempt_enable();
		schedule_timeout_uninterruptible(1);
	}
	for (;;)
		cpu_relax();
}

static noinline void crashkinds_hard(void)
{
	local_irq_disable();
	tell("@spins\n");
	for (;;)
		cpu_relax();
}

static DEFINE_MUTEX(never);

static noinline int crashkinds_wait(void *unused)
{
	mutex_lock(&never);
	pr_info("not reached\n");
	return 0;
}

static void crashkinds_hung(void)
{
	mutex_lock(&never);
	kthread_run(crashkinds_wait, NULL, "crashkinds-wait");
}

static struct timer_list timer;

static noinline void crashkinds_timer(struct timer_list *unused)
{
	crashkinds_null();
	pr_info("not reached\n");
}

static void crashkinds_interrupt(void)
{
	timer_setup(&timer, crashkinds_timer, 0);
	mod_timer(&timer, jiffies + 2);
}

static noinline void crashkinds_tasklet(struct tasklet_struct *unused)
{
	crashkinds_hard();
	pr_info("not reached\n");
}

static DECLARE_TASKLET(tasklet, crashkinds_tasklet);

static void crashkinds_softirq(void)
{
	tasklet_schedule(&tasklet);
}

static void crashkinds_deep(void)
{
	crashkinds_overflow(0);
}

static const struct {
	const char *name;
	void (*crash)(void);
} kinds[] = {
	{"null", crashkinds_null},           {"wild", crashkinds_wild},     {"gpf", crashkinds_gpf},
	{"divide", crashkinds_divide},       {"opcode", crashkinds_opcode}, {"bug", crashkinds_bug},
	{"warn", crashkinds_warn},           {"panic", crashkinds_panic},   {"call-null", crashkinds_call_null},
	{"call-wild", crashkinds_call_wild}, {"overflow", crashkinds_deep}, {"smash", crashkinds_smash},
	{"freed", crashkinds_freed},         {"soft", crashkinds_soft},     {"stall", crashkinds_stall},
	{"hard", crashkinds_hard},           {"hung", crashkinds_hung},     {"interrupt", crashkinds_interrupt},
	{"softirq", crashkinds_softirq},
};

static int crashkinds_set(const char *value, const struct kernel_param *param)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (sysfs_streq(value, kinds[i].name)) {
			kinds[i].crash();
			return 0;
		}
	}
	return -EINVAL;
}

static const struct kernel_param_ops crashkinds_ops = {.set = crashkinds_set};

module_param_cb(kind, &crashkinds_ops, NULL, 0200);
MODULE_DESCRIPTION("Crashes the kernel");
MODULE_LICENSE("GPL");
