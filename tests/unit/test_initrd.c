// SPDX-License-Identifier: GPL-2.0-or-later
#include "boot/initrd.h"

#include <errno.h>

#include "fake.h"
#include "fakearchive.h"
#include "fakeplan.h"
#include "test.h"

static const char *const plan_text = FAKEPLAN("minimal", FAKEPLAN_NO_NETWORK, "\"kernel/a.ko\"", "", "", "", "", "");

struct machine {
	struct fake fake;
	struct plan plan;
	struct fakearchive image;
};

static void machine_init(struct machine *machine)
{
	machine->plan = (struct plan){0};
	machine->image = (struct fakearchive){0};
	fake_init(&machine->fake);
	fakearchive_file(&machine->image, "init", 0755, "program");
	fakearchive_file(&machine->image, "usr/lib/libc.so.6", 0644, "stripped");
	fakearchive_file(&machine->image, "usr/bin/sh", 0755, "stripped");
	fakearchive_file(&machine->image, "etc/text", 0644, "text");
	fakearchive_end(&machine->image);
	machine->fake.makes = "/var/lib/kdump/initrd.new";
	machine->fake.made = machine->image.buf;
	machine->fake.made_bytes = machine->image.size_bytes;
	check_ok(plan_parse(plan_text, "p", &machine->plan));
	fake_file(&machine->fake, INITRD_CAPTURE_PATH, "program");
	fake_file(&machine->fake, "/boot/vmlinuz-6.1", "kernel");
	fake_file(&machine->fake, "/lib/modules/6.1/kernel/a.ko.xz", "module");
}

static void machine_deinit(struct machine *machine)
{
	fakearchive_deinit(&machine->image);
	plan_deinit(&machine->plan);
	fake_deinit(&machine->fake);
}

#define _cleanup_machine_ _cleanup_(machine_deinit)

static void check_cause(struct machine *machine, const char *wanted)
{
	_cleanup_free_ char *cause = NULL;

	check_ok(initrd_check(&machine->fake.host, &machine->plan, &cause));
	check_text(cause, wanted);
}

static void check_recorded_cause(struct machine *machine, const char *wanted)
{
	_cleanup_plan_ struct plan plan = {0};
	_cleanup_free_ char *cause = NULL;

	check_ok(initrd_recorded(&machine->fake.host, &plan, &cause));
	check_text(cause, wanted);
	check(wanted ? !plan.command_line : strcmp(plan.command_line, "c") == 0);
}

// When the clock that stamps files has gone on: what was changed while dracut ran counts as changed.
static void build_later(struct machine *machine)
{
	fake_tick();
	check_ok(initrd_build(&machine->fake.host, &machine->plan));
}

static void built_once_and_then_fresh(void)
{
	_cleanup_machine_ struct machine machine;
	_cleanup_free_ char *conf = NULL, *text = NULL;
	struct stat info;

	machine_init(&machine);
	check_cause(&machine, "there was none");
	check_ok(initrd_build(&machine.fake.host, &machine.plan));
	check_cause(&machine, NULL);
	check(machine.fake.run_count == 1);
	check_text(machine.fake.runs[0],
	           "dracut|--force|--quiet|--conf|/run/kdump/build/dracut.conf|--confdir|/run/kdump/build/"
	           "conf.d|--no-hostonly|"
	           "--no-hostonly-cmdline|--no-early-microcode|--no-kernel|--gzip|--modules|kdump|--kver|6.1|"
	           "/var/lib/kdump/initrd.new");
	check_ok(host_read(&machine.fake.host, "/run/kdump/build/conf.d/zz-kdump.conf", 4096, &conf, NULL));
	check(strncmp(conf, "kdump_plan=/run/kdump/build/plan\nkdump_capture=" INITRD_CAPTURE_PATH "\n", 60) == 0);
	check_ok(host_read(&machine.fake.host, "/run/kdump/build/plan", 4096, &text, NULL));
	check(strstr(text, "device = \"UUID=1\"") != NULL);
	check_ok(host_stat(&machine.fake.host, INITRD_PATH, &info));
	check((info.st_mode & 0777) == 0600);
	check(!host_exists(&machine.fake.host, "/var/lib/kdump/initrd.new"));
}

static void each_input_makes_it_stale(void)
{
	_cleanup_machine_ struct machine machine;

	machine_init(&machine);
	check_ok(initrd_build(&machine.fake.host, &machine.plan));
	fake_file(&machine.fake, INITRD_CAPTURE_PATH, "another program");
	check_cause(&machine, INITRD_CAPTURE_PATH " changed");
	check_ok(initrd_build(&machine.fake.host, &machine.plan));
	fake_file(&machine.fake, "/lib/modules/6.1/kernel/a.ko.xz", "another module");
	check_cause(&machine, "/lib/modules/6.1/kernel/a.ko.xz changed");
	check_ok(initrd_build(&machine.fake.host, &machine.plan));
	fake_file(&machine.fake, "/boot/vmlinuz-6.1", "another kernel");
	check_cause(&machine, "/boot/vmlinuz-6.1 changed");
	check_ok(initrd_build(&machine.fake.host, &machine.plan));
	fake_file(&machine.fake, INITRD_PATH, "cut");
	check_cause(&machine, "the image was changed from outside");
	check_ok(initrd_build(&machine.fake.host, &machine.plan));
	machine.plan.dump_level = 1;
	check_cause(&machine, "the plan changed: dump.level = 1");
	check_ok(initrd_build(&machine.fake.host, &machine.plan));
	fake_file(&machine.fake, INITRD_PATH ".inputs", "");
	check_cause(&machine, "kdump-suite was updated");
}

// All that differ are told, and only once.
static void all_causes_are_named(void)
{
	_cleanup_machine_ struct machine machine;
	static char *modules[] = {(char *)"kernel/a.ko", (char *)"kernel/b.ko", NULL};
	char **before;

	machine_init(&machine);
	check_ok(initrd_build(&machine.fake.host, &machine.plan));
	fake_file(&machine.fake, "/boot/vmlinuz-6.1", "kernel 2");
	fake_file(&machine.fake, "/lib/modules/6.1/kernel/b.ko", "module");
	before = machine.plan.modules;
	machine.plan.modules = modules;
	check_cause(&machine, "the plan changed: kernel.modules: \"kernel/b.ko\"; /boot/vmlinuz-6.1 changed; "
	                      "/lib/modules/6.1/kernel/b.ko changed");
	check_ok(initrd_build(&machine.fake.host, &machine.plan));
	machine.plan.modules = before;
	check_cause(&machine, "something that it was made from is gone, or in another order");
}

// The same bytes in another file with another time, as an update that brings the same, or rsync, leaves.
static void what_was_only_touched_is_fresh(void)
{
	static const char *const paths[] = {INITRD_CAPTURE_PATH, "/boot/vmlinuz-6.1", "/lib/modules/6.1/kernel/a.ko.xz",
	                                    "/usr/lib/libc.so.6", INITRD_PATH};
	static const char *const texts[] = {"program", "kernel", "module", "library"};
	_cleanup_machine_ struct machine machine;
	struct timespec times[2] = {{.tv_sec = 1000000000}, {.tv_sec = 1000000000}};

	machine_init(&machine);
	fake_file(&machine.fake, "/usr/lib/libc.so.6", "library");
	build_later(&machine);
	for (size_t i = 0; i < array_size(paths); i++) {
		char full[512];

		if (i < array_size(texts))
			fake_file(&machine.fake, paths[i], texts[i]);
		else
			check_ok(host_replace(&machine.fake.host, paths[i], machine.image.buf, machine.image.size_bytes,
			                      0600));
		snprintf(full, sizeof(full), "%s%s", machine.fake.root, paths[i]);
		check(utimensat(AT_FDCWD, full, times, 0) == 0);
		check_cause(&machine, NULL);
	}
}

// Of the same size, and at the same time.
static void content_counts_and_not_the_time(void)
{
	_cleanup_machine_ struct machine machine;
	struct timespec times[2] = {{.tv_sec = 1000000000}, {.tv_sec = 1000000000}};
	char full[512];

	machine_init(&machine);
	snprintf(full, sizeof(full), "%s/boot/vmlinuz-6.1", machine.fake.root);
	check(utimensat(AT_FDCWD, full, times, 0) == 0);
	check_ok(initrd_build(&machine.fake.host, &machine.plan));
	fake_file(&machine.fake, "/boot/vmlinuz-6.1", "KERNEL");
	check(utimensat(AT_FDCWD, full, times, 0) == 0);
	check_cause(&machine, "/boot/vmlinuz-6.1 changed");
}

static void hooks_servers_and_secrets_make_it_stale(void)
{
	static char *hooks[] = {(char *)"/usr/local/bin/hook", NULL},
		    *files[] = {(char *)"/root/.ssh/known_hosts", NULL};
	static char *secrets[] = {(char *)"password 1", NULL}, *others[] = {(char *)"password 2", NULL};
	_cleanup_machine_ struct machine machine;
	struct plan plan;

	machine_init(&machine);
	plan = machine.plan;
	machine.plan.hooks_files = hooks;
	machine.plan.target_files = files;
	machine.plan.secrets = secrets;
	fake_file(&machine.fake, hooks[0], "#!/bin/sh\n");
	fake_file(&machine.fake, files[0], "host key");
	check_ok(initrd_build(&machine.fake.host, &machine.plan));
	check_cause(&machine, NULL);
	fake_file(&machine.fake, hooks[0], "#!/bin/sh -e\n");
	check_cause(&machine, "/usr/local/bin/hook changed");
	check_ok(initrd_build(&machine.fake.host, &machine.plan));
	fake_file(&machine.fake, files[0], "another host key");
	check_cause(&machine, "/root/.ssh/known_hosts changed");
	check_ok(initrd_build(&machine.fake.host, &machine.plan));
	machine.plan.secrets = others;
	check_cause(&machine, "a password changed");
	machine.plan = plan;
}

// What dracut puts in beside what the plan names. Its bytes in the image are not those of the file: it is stripped.
static void libraries_and_programs_make_it_stale(void)
{
	_cleanup_machine_ struct machine machine;

	machine_init(&machine);
	fake_file(&machine.fake, "/usr/lib/libc.so.6", "library 1");
	fake_file(&machine.fake, "/usr/bin/sh", "shell 1");
	fake_file(&machine.fake, "/etc/text", "text 1");
	build_later(&machine);
	check_cause(&machine, NULL);
	fake_file(&machine.fake, "/etc/text", "text 2");
	check_cause(&machine, NULL);
	fake_file(&machine.fake, "/usr/lib/libc.so.6", "library 2");
	check_cause(&machine, "/usr/lib/libc.so.6 changed");
	check_recorded_cause(&machine, "/usr/lib/libc.so.6 changed");
	build_later(&machine);
	check_cause(&machine, NULL);
	check_recorded_cause(&machine, NULL);
	check_ok(host_remove(&machine.fake.host, "/usr/bin/sh"));
	check_cause(&machine, "/usr/bin/sh changed");
	build_later(&machine);
	check_cause(&machine, NULL);
}

// Nobody knows which one is in the image.
static void a_library_that_changes_while_dracut_runs(void)
{
	_cleanup_machine_ struct machine machine;

	machine_init(&machine);
	machine.fake.makes_too = "/usr/lib/libc.so.6";
	check_ok(host_mkdirs(&machine.fake.host, "/usr/lib"));
	build_later(&machine);
	check_cause(&machine, "/usr/lib/libc.so.6 changed");
}

// What dracut left when the disk was full, and did not say so.
static void an_image_that_is_cut_off_is_not_taken(void)
{
	_cleanup_machine_ struct machine machine;

	machine_init(&machine);
	machine.fake.made_bytes = 200;
	check_error(initrd_build(&machine.fake.host, &machine.plan), ERROR_BAD_DATA, "ends in the middle");
	check(!host_exists(&machine.fake.host, INITRD_PATH));
	check(!host_exists(&machine.fake.host, "/var/lib/kdump/initrd.new"));
}

static void reasons_do_not_make_it_stale(void)
{
	_cleanup_machine_ struct machine machine;

	machine_init(&machine);
	check_ok(initrd_build(&machine.fake.host, &machine.plan));
	machine.plan.reasons = calloc(1, sizeof(*machine.plan.reasons));
	machine.plan.reasons[0].key = strdup("dump.level");
	machine.plan.reasons[0].reason = strdup("another line of the file");
	machine.plan.reason_count = 1;
	check_cause(&machine, NULL);
}

static void failures_keep_the_old_image(void)
{
	_cleanup_machine_ struct machine machine;
	_cleanup_free_ char *image = NULL;

	machine_init(&machine);
	fake_file(&machine.fake, INITRD_PATH, "old");
	machine.fake.statuses[0] = 1;
	machine.fake.outputs[0] = "dracut: something\ndracut: disk full\n\n";
	check_error(initrd_build(&machine.fake.host, &machine.plan), ERROR_OS,
	            "dracut failed with status 1: dracut: disk full");
	machine.fake.outputs[1] = "dracut: dracut module 'kdump' cannot be found or installed.\n";
	check_error(initrd_build(&machine.fake.host, &machine.plan), ERROR_OS, "cannot be found");
	machine.fake.outputs[2] = "dracut-install: ERROR: installing 'x'\n";
	check_error(initrd_build(&machine.fake.host, &machine.plan), ERROR_OS, "did not put everything");
	machine.fake.errnum = ENOENT;
	check_error(initrd_build(&machine.fake.host, &machine.plan), ERROR_OS, "install the package dracut");
	check_ok(host_read(&machine.fake.host, INITRD_PATH, 100, &image, NULL));
	check_text(image, "old");
	check(!host_exists(&machine.fake.host, "/var/lib/kdump/initrd.new"));
}

static void missing_module(void)
{
	_cleanup_machine_ struct machine machine;
	_cleanup_free_ char *cause = NULL;

	machine_init(&machine);
	free(machine.plan.modules[0]);
	machine.plan.modules[0] = strdup("kernel/b.ko");
	check_error(initrd_check(&machine.fake.host, &machine.plan, &cause), ERROR_CONFIG, "run depmod");
}

// A configuration that comes later makes the image stale, too.
static void full_form(void)
{
	_cleanup_machine_ struct machine machine;

	machine_init(&machine);
	machine.plan.form = PLAN_FULL;
	host_names_free(machine.plan.full_devices);
	machine.plan.full_devices = calloc(2, sizeof(char *));
	machine.plan.full_devices[0] = strdup("/dev/mapper/vg-dumps");
	fake_file(&machine.fake, "/lib/modules/6.1/modules.dep", "");
	check_ok(initrd_build(&machine.fake.host, &machine.plan));
	check_text(machine.fake.runs[0],
	           "dracut|--force|--quiet|--conf|/run/kdump/build/dracut.conf|--confdir|/run/kdump/build/"
	           "conf.d|--hostonly|--hostonly-cmdline|--no-hostonly-default-device|--no-early-microcode|--gzip|"
	           "--modules|kdump-full|--add-device|/dev/mapper/vg-dumps|--kver|6.1|/var/lib/kdump/initrd.new");
	check_cause(&machine, NULL);
	fake_file(&machine.fake, "/etc/lvm/lvm.conf", "");
	check_cause(&machine, "/etc/lvm/lvm.conf changed");
	check_ok(initrd_build(&machine.fake.host, &machine.plan));
	fake_file(&machine.fake, "/etc/lvm/lvm.conf", "devices { }");
	check_cause(&machine, "/etc/lvm/lvm.conf changed");
	check_ok(initrd_build(&machine.fake.host, &machine.plan));
	fake_file(&machine.fake, "/etc/multipath/conf.d/a.conf", "defaults { }");
	check_cause(&machine, "/etc/multipath/conf.d/a.conf changed");
	check_ok(initrd_build(&machine.fake.host, &machine.plan));
	check_ok(host_remove(&machine.fake.host, "/etc/multipath/conf.d/a.conf"));
	check_cause(&machine, "something that it was made from is gone, or in another order");
}

// Without a plan of its own: what is on the disk decides.
static void recorded_plan_of_what_is_fresh(void)
{
	_cleanup_machine_ struct machine machine;
	_cleanup_plan_ struct plan plan = {0};
	_cleanup_free_ char *cause = NULL, *was = NULL, *now = NULL;

	machine_init(&machine);
	check_recorded_cause(&machine, "there was none");
	check_ok(initrd_build(&machine.fake.host, &machine.plan));
	check_ok(initrd_recorded(&machine.fake.host, &plan, &cause));
	check_text(cause, NULL);
	check_ok(plan_format(&machine.plan, &was));
	check_ok(plan_format(&plan, &now));
	check_text(now, was);
	check(machine.fake.run_count == 1);
}

static void recorded_plan_of_what_is_stale(void)
{
	_cleanup_machine_ struct machine machine;

	machine_init(&machine);
	check_ok(initrd_build(&machine.fake.host, &machine.plan));
	fake_file(&machine.fake, "/lib/modules/6.1/kernel/a.ko.xz", "another module");
	check_recorded_cause(&machine, "/lib/modules/6.1/kernel/a.ko.xz changed");
	check_ok(initrd_build(&machine.fake.host, &machine.plan));
	check_recorded_cause(&machine, NULL);
	check_ok(host_remove(&machine.fake.host, "/boot/vmlinuz-6.1"));
	check_recorded_cause(&machine, "/boot/vmlinuz-6.1: No such file or directory");
	fake_file(&machine.fake, "/boot/vmlinuz-6.1", "kernel");
	check_ok(initrd_build(&machine.fake.host, &machine.plan));
	fake_file(&machine.fake, INITRD_PATH, "cut");
	check_recorded_cause(&machine, "the image was changed from outside");
	fake_file(&machine.fake, INITRD_PATH ".inputs", "suite " PACKAGE_VERSION "\n");
	check_recorded_cause(&machine, "what it was made from was not known");
	fake_file(&machine.fake, INITRD_PATH ".inputs", "suite 0.0\n");
	check_recorded_cause(&machine, "what it was made from was not known");
	check_ok(host_remove(&machine.fake.host, INITRD_PATH ".inputs"));
	check_recorded_cause(&machine, "what it was made from was not known");
}

// What was not there when the image was made, and is now.
static void recorded_plan_of_the_full_form(void)
{
	_cleanup_machine_ struct machine machine;

	machine_init(&machine);
	machine.plan.form = PLAN_FULL;
	fake_file(&machine.fake, "/lib/modules/6.1/modules.dep", "");
	check_ok(initrd_build(&machine.fake.host, &machine.plan));
	check_recorded_cause(&machine, NULL);
	fake_file(&machine.fake, "/etc/lvm/lvm.conf", "");
	check_recorded_cause(&machine, "/etc/lvm/lvm.conf changed");
}

static const struct test tests[] = {
	TEST(recorded_plan_of_what_is_fresh),
	TEST(recorded_plan_of_what_is_stale),
	TEST(recorded_plan_of_the_full_form),
	TEST(built_once_and_then_fresh),
	TEST(each_input_makes_it_stale),
	TEST(all_causes_are_named),
	TEST(what_was_only_touched_is_fresh),
	TEST(content_counts_and_not_the_time),
	TEST(hooks_servers_and_secrets_make_it_stale),
	TEST(libraries_and_programs_make_it_stale),
	TEST(a_library_that_changes_while_dracut_runs),
	TEST(an_image_that_is_cut_off_is_not_taken),
	TEST(reasons_do_not_make_it_stale),
	TEST(failures_keep_the_old_image),
	TEST(missing_module),
	TEST(full_form),
};

int main(int argc, char **argv)
{
	return test_main(tests, array_size(tests), argc, argv);
}
