// SPDX-License-Identifier: GPL-2.0-or-later
#include "boot/cpus.h"

#include "fake.h"
#include "test.h"

#define CPUINFO(NUMBER, ID)                                                                                            \
	"processor\t: " NUMBER "\nphysical id\t: 0\napicid\t\t: " ID "\ninitial apicid\t: " ID "\nfpu : yes\n\n"

static void choose_form(struct fake *fake, bool is_full, const char *settings, const char *parameters,
                        const char *reason)
{
	_cleanup_config_ struct config config = {0};
	_cleanup_cpus_ struct cpus cpus = {0};

	check_ok(config_parse(settings, "f", &config));
	check_ok(config_check(&config));
	check_ok(cpus_choose(&fake->host, &config, is_full, &cpus));
	check_text(cpus.parameters, parameters);
	check(strncmp(cpus.parameters, "nr_cpus=", 8) == 0 && cpus.count == strtoul(cpus.parameters + 8, NULL, 10));
	check(strstr(cpus.reason, reason) != NULL);
}

static void choose(struct fake *fake, const char *settings, const char *parameters, const char *reason)
{
	choose_form(fake, false, settings, parameters, reason);
}

static void machine(struct fake *fake, const char *online, const char *reserved, const char *arch)
{
	fake_init(fake);
	fake_file(fake, "/sys/devices/system/cpu/online", online);
	fake_file(fake, "/sys/kernel/kexec_crash_size", reserved);
	fake_file(fake, "/proc/sys/kernel/arch", arch);
	fake_file(fake, "/proc/cpuinfo", CPUINFO("0", "6") CPUINFO("1", "0"));
}

static void the_least_counts(void)
{
	_cleanup_fake_ struct fake fake;

	// 256 MiB.
	machine(&fake, "0-3,6,8-9\n", "268435456\n", "x86_64\n");
	choose(&fake, "KDUMP_CPUS=2", "nr_cpus=2 disable_cpu_apicid=6",
	       "f:1: KDUMP_CPUS=2 is a limit, the machine has 7");
	choose(&fake, "KDUMP_CPUS=1", "nr_cpus=1", "KDUMP_CPUS=1");
	choose(&fake, "", "nr_cpus=7 disable_cpu_apicid=6", "the machine has 7");
	choose(&fake, "KDUMP_CPUS=0", "nr_cpus=7 disable_cpu_apicid=6", "the reserved 256 MiB have room for");
}

static void a_small_reservation(void)
{
	_cleanup_fake_ struct fake small, none;

	machine(&small, "0-63\n", "83886080\n", "x86_64\n");
	choose(&small, "", "nr_cpus=1", "the reserved 80 MiB have room for 1");
	machine(&none, "0-63\n", "0\n", "x86_64\n");
	choose(&none, "", "nr_cpus=1", "the reserved 0 MiB");
}

// Each CPU has a thread of the copier, which a larger form and a larger machine leave less room for.
static void what_else_is_in_the_reservation(void)
{
	_cleanup_fake_ struct fake fake;

	// 192 MiB: 80 for CPUs at 2 MiB and a thread each, which is bounded by some 2.6 MiB.
	machine(&fake, "0-63\n", "201326592\n", "aarch64\n");
	choose(&fake, "", "nr_cpus=18", "room for 18");
	choose_form(&fake, true, "", "nr_cpus=8", "room for 8");
	fake_file(&fake, "/proc/meminfo", "MemTotal:      268435456 kB\n");
	choose(&fake, "", "nr_cpus=17", "room for 17");
	choose_form(&fake, true, "", "nr_cpus=6", "room for 6");
}

static void other_machines(void)
{
	_cleanup_fake_ struct fake arm, bare, hidden;

	machine(&arm, "0-1\n", "268435456\n", "aarch64\n");
	choose(&arm, "", "nr_cpus=2", "the machine has 2");
	fake_init(&bare);
	choose(&bare, "", "nr_cpus=1", "the machine has 1");
	machine(&hidden, "0-1\n", "268435456\n", "x86_64\n");
	// Only the first CPU counts, and it does not say.
	fake_file(&hidden, "/proc/cpuinfo", "processor : 0\nfpu : yes\n\n" CPUINFO("1", "1"));
	choose(&hidden, "", "nr_cpus=1", "/proc/cpuinfo does not tell");
}

static const struct test tests[] = {
	TEST(the_least_counts),
	TEST(a_small_reservation),
	TEST(what_else_is_in_the_reservation),
	TEST(other_machines),
};

int main(int argc, char **argv)
{
	return test_main(tests, array_size(tests), argc, argv);
}
