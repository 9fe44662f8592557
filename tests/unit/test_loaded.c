// SPDX-License-Identifier: GPL-2.0-or-later
// What is loaded is known, and is put back where a load fails. kexec is a recorder; that the kernel frees the old one first is
// played by the file that tells whether one is loaded.
#include "boot/loaded.h"

#include <errno.h>

#include "fake.h"
#include "test.h"

#define LOADED "/sys/kernel/kexec_crash_loaded"

static struct plan plan_of(char *line)
{
	static char *none[] = {NULL};

	return (struct plan){.kernel_image = (char *)"/boot/vmlinuz",
	                     .initrd = (char *)"/var/lib/kdump/initrd",
	                     .command_line = line,
	                     .kexec_options = (char *)"",
	                     .panic_on = none};
}

static void machine(struct fake *fake)
{
	fake_init(fake);
	fake_file(fake, "/boot/vmlinuz", "kernel");
	fake_file(fake, "/var/lib/kdump/initrd", "image 1");
	fake_file(fake, LOADED, "1\n");
	fake_file(fake, "/proc/iomem", "00001000-0009ffff : System RAM\n000a0000-000bffff : PCI Bus 0000:00\n");
	fake_file(fake, "/sys/devices/system/cpu/present", "0-1\n");
}

static char *describe(const struct fake *fake, const struct plan *plan)
{
	char *text = NULL;

	check_ok(loaded_describe(&fake->host, plan, &text));
	return text;
}

static struct error *replace(const struct fake *fake, const struct plan *plan)
{
	_cleanup_free_ char *text = describe(fake, plan);
	enum kexec_method method;
	struct error *late = NULL, *err = loaded_replace(&fake->host, plan, text, &method, &late);

	check_ok(late);
	return err;
}

static bool is_same(const struct fake *fake, const struct plan *plan)
{
	_cleanup_free_ char *text = describe(fake, plan);

	return loaded_is(&fake->host, text);
}

static void what_is_loaded_is_known(void)
{
	_cleanup_fake_ struct fake fake;
	struct plan plan = plan_of((char *)"quiet"), other = plan_of((char *)"loud");

	machine(&fake);
	check(!is_same(&fake, &plan));
	check_ok(replace(&fake, &plan));
	check(is_same(&fake, &plan) && !is_same(&fake, &other));
	// A window of a device comes and goes; memory is what the crash kernel is told of.
	fake_file(&fake, "/proc/iomem", "00001000-0009ffff : System RAM\n");
	check(is_same(&fake, &plan));
	fake_file(&fake, "/proc/iomem", "00001000-0009ffff : System RAM\n100000000-13fffffff : System RAM\n");
	check(!is_same(&fake, &plan));
	fake_file(&fake, "/proc/iomem", "00001000-0009ffff : System RAM\n");
	fake_file(&fake, "/sys/devices/system/cpu/present", "0-2\n");
	check(!is_same(&fake, &plan));
	fake_file(&fake, "/sys/devices/system/cpu/present", "0-1\n");
	check(is_same(&fake, &plan));
	// Somebody else unloaded it.
	fake_file(&fake, LOADED, "0\n");
	check(!is_same(&fake, &plan));
	fake_file(&fake, LOADED, "1\n");
	fake_file(&fake, "/var/lib/kdump/initrd", "image 2 is longer");
	check(!is_same(&fake, &plan));
	loaded_forget(&fake.host);
	check(!host_exists(&fake.host, LOADED_PATH) && !host_exists(&fake.host, LOADED_INITRD_PATH));
}

static void what_was_loaded_is_put_back(void)
{
	_cleanup_fake_ struct fake fake;
	_cleanup_free_ char *kept = NULL;
	struct plan plan = plan_of((char *)"quiet"), other = plan_of((char *)"loud");

	machine(&fake);
	check_ok(replace(&fake, &plan));
	// A new image, and the kernel has freed the old one when it fails.
	fake_file(&fake, "/var/lib/kdump/initrd", "image 2");
	fake_file(&fake, LOADED, "0\n");
	fake.statuses[1] = 255;
	check_error(replace(&fake, &other), ERROR_OS,
	            "what was loaded before is loaded again: kexec failed with status 255");
	check_text(fake.runs[2],
	           "kexec|-p|-s|--initrd=/var/lib/kdump/initrd.loaded|--command-line=quiet|/boot/vmlinuz");
	check_ok(host_read(&fake.host, LOADED_INITRD_PATH, 64, &kept, NULL));
	check_text(kept, "image 1");
	// What is written down is what is loaded.
	fake_file(&fake, LOADED, "1\n");
	check(!is_same(&fake, &other));
}

static void one_that_failed_early_changed_nothing(void)
{
	_cleanup_fake_ struct fake fake;
	struct plan plan = plan_of((char *)"quiet");

	machine(&fake);
	check_ok(replace(&fake, &plan));
	fake.statuses[1] = 255;
	check_error(replace(&fake, &plan), ERROR_OS, "still loaded");
	check(fake.run_count == 2 && is_same(&fake, &plan));
}

static void it_cannot_be_put_back(void)
{
	_cleanup_fake_ struct fake fake;
	struct plan plan = plan_of((char *)"quiet");

	machine(&fake);
	check_ok(replace(&fake, &plan));
	fake_file(&fake, LOADED, "0\n");
	fake.statuses[1] = fake.statuses[2] = 255;
	check_error(replace(&fake, &plan), ERROR_OS, "NOTHING is loaded now");
	check(fake.run_count == 3 && !host_exists(&fake.host, LOADED_PATH));
	// The next one has nothing to put back.
	fake.statuses[3] = 255;
	check_error(replace(&fake, &plan), ERROR_OS, "kexec failed");
	check(fake.run_count == 4);
}

static void it_cannot_be_written_down(void)
{
	_cleanup_fake_ struct fake fake;
	struct plan plan = plan_of((char *)"quiet");
	_cleanup_free_ char *text = NULL;
	enum kexec_method method;
	struct error *late = NULL;

	machine(&fake);
	text = describe(&fake, &plan);
	check_ok(host_remove(&fake.host, "/var/lib/kdump/initrd"));
	check_ok(loaded_replace(&fake.host, &plan, text, &method, &late));
	check_error(late, ERROR_OS, "initrd.loaded");
	check(!loaded_is(&fake.host, text));
}

static const struct test tests[] = {
	TEST(what_is_loaded_is_known), TEST(what_was_loaded_is_put_back), TEST(one_that_failed_early_changed_nothing),
	TEST(it_cannot_be_put_back),   TEST(it_cannot_be_written_down),
};

int main(int argc, char **argv)
{
	return test_main(tests, array_size(tests), argc, argv);
}
