// SPDX-License-Identifier: GPL-2.0-or-later
#include "cmd/ctl_early.h"

#include <errno.h>

#include "boot/initrd.h"
#include "boot/kexec.h"
#include "boot/loaded.h"
#include "cmd/ctl_resize.h"
#include "fake.h"
#include "fakearchive.h"
#include "fakeplan.h"
#include "test.h"

#define SIZE_PATH "/sys/kernel/kexec_crash_size"

static const char *const plan_text = FAKEPLAN_PLAIN;

// A machine that starts: 512 MiB are reserved, and the image is there.
static void make_machine(struct fake *fake)
{
	_cleanup_plan_ struct plan plan = {0};
	_cleanup_fakearchive_ struct fakearchive image = {0};

	fake_init(fake);
	fakearchive_file(&image, "init", 0755, "program");
	fakearchive_end(&image);
	check_ok(plan_parse(plan_text, "p", &plan));
	fake_file(fake, INITRD_CAPTURE_PATH, "program");
	fake_file(fake, "/boot/vmlinuz-6.1", "kernel");
	fake_file(fake, SIZE_PATH, "536870912\n");
	fake_file(fake, "/sys/kernel/kexec_crash_loaded", "0\n");
	fake->makes = "/var/lib/kdump/initrd.new";
	fake->made = image.buf;
	fake->made_bytes = image.size_bytes;
	check_ok(initrd_build(&fake->host, &plan));
	fake->makes = NULL;
}

// What is reserved when kexec is called. The kernel refuses to shrink what holds a kernel (kernel/crash_core.c:
// crash_shrink_memory(), v6.12).
static struct error *run_kexec(const struct host *host, const struct host_command *command, struct host_result *ret)
{
	_cleanup_free_ char *size = NULL;

	check_text(command->argv[0], "kexec");
	check_text(command->argv[1], "-p");
	check_ok(host_read(host, SIZE_PATH, 64, &size, NULL));
	check_ok(host_replace(host, "/size-when-loaded", size, strlen(size), 0644));
	check_ok(host_replace(host, "/sys/kernel/kexec_crash_loaded", "1\n", 2, 0644));
	ret->output = strdup("");
	return NULL;
}

static void check_loaded_with(struct fake *fake, const char *size)
{
	_cleanup_free_ char *got = NULL;

	fake->host.run = run_kexec;
	check_ok(ctl_early(&fake->host, true));
	check_ok(host_read(&fake->host, "/size-when-loaded", 64, &got, NULL));
	check_text(got, size);
	check(host_exists(&fake->host, LOADED_PATH));
}

static void memory_goes_back_before_the_load(void)
{
	_cleanup_fake_ struct fake fake;

	make_machine(&fake);
	fake_file(&fake, CTL_RESIZE_PATH, "128\n");
	check_loaded_with(&fake, "134217728\n");
}

static void nothing_goes_back_unasked(void)
{
	_cleanup_fake_ struct fake fake;

	make_machine(&fake);
	check_loaded_with(&fake, "536870912\n");
}

// Less than a step is not worth it, and it never grows.
static void nothing_goes_back_for_little(void)
{
	static const char *const sizes[] = {"500\n", "512\n", "4096\n"};

	for (size_t i = 0; i < array_size(sizes); i++) {
		_cleanup_fake_ struct fake fake;

		make_machine(&fake);
		fake_file(&fake, CTL_RESIZE_PATH, sizes[i]);
		check_loaded_with(&fake, "536870912\n");
	}
}

// The machine is ready for a crash all the same.
static void what_is_no_number_is_passed_over(void)
{
	static const char *const texts[] = {"", "all\n", "-1\n", "0\n", "15\n", "99999999999999999999\n"};

	for (size_t i = 0; i < array_size(texts); i++) {
		_cleanup_fake_ struct fake fake;

		make_machine(&fake);
		fake_file(&fake, CTL_RESIZE_PATH, texts[i]);
		check_error(ctl_resize_early(&fake.host, UINT64_C(512) << 20, true), ERROR_BAD_DATA,
		            "no number of MiB");
		check_loaded_with(&fake, "536870912\n");
	}
}

// As when kdump-early.service is restarted.
static void not_while_a_kernel_is_loaded(void)
{
	_cleanup_fake_ struct fake fake;

	make_machine(&fake);
	fake_file(&fake, CTL_RESIZE_PATH, "128\n");
	fake_file(&fake, "/sys/kernel/kexec_crash_loaded", "1\n");
	check_loaded_with(&fake, "536870912\n");
}

// Another image may need more: kdump.service decides.
static void not_where_the_image_is_stale(void)
{
	_cleanup_fake_ struct fake fake;
	_cleanup_free_ char *size = NULL;

	make_machine(&fake);
	fake_file(&fake, CTL_RESIZE_PATH, "128\n");
	fake_file(&fake, "/boot/vmlinuz-6.1", "another kernel");
	fake.errnum = ENOENT;
	check_ok(ctl_early(&fake.host, true));
	check_ok(host_read(&fake.host, SIZE_PATH, 64, &size, NULL));
	check_text(size, "536870912\n");
	check(!host_exists(&fake.host, LOADED_PATH));
}

static const struct test tests[] = {
	TEST(memory_goes_back_before_the_load), TEST(nothing_goes_back_unasked),    TEST(nothing_goes_back_for_little),
	TEST(what_is_no_number_is_passed_over), TEST(not_while_a_kernel_is_loaded), TEST(not_where_the_image_is_stale),
};

int main(int argc, char **argv)
{
	return test_main(tests, array_size(tests), argc, argv);
}
