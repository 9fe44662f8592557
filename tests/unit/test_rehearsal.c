// SPDX-License-Identifier: GPL-2.0-or-later
// What the console of a test in a virtual machine tells, and the archive that it starts from. tests/rehearsal has the real thing.
#include "boot/rehearsal.h"

#include <fcntl.h>

#include "boot/cpio.h"
#include "fake.h"
#include "fakeplan.h"
#include "test.h"

#define BOOT                                                                                                           \
	"[    0.000000] Linux version 6.1.0\r\n\r\n@kdump-test panics\r\n[    1.0] Kernel panic - not syncing: sysrq " \
	"triggered crash\r\n"
#define STARTED                                                                                                        \
	"kdump: memory in MiB: 92 behind the kernel's image, 75 available, 4 files of the initramfs\r\n"               \
	"kdump: kdump-suite 0.1.0, capture of host guest\r\n"
#define SAVED                                                                                                          \
	"kdump: memory: copier 5472 KiB at most, 71 MiB available at least\r\n"                                        \
	"kdump: dump saved in guest-2026-11-22T04-22-44Z-3751abae, 30972 KiB\r\n"                                      \
	"kdump: the capture kernel ran for 6.6 s\r\nkdump: done; action: poweroff\r\n"

static struct rehearsal_result judge(const char *text)
{
	struct rehearsal_result result = {.seconds = 77};

	rehearsal_judge(text, &result);
	return result;
}

static void a_dump(void)
{
	struct rehearsal_result result = judge(BOOT STARTED SAVED);

	check(result.outcome == REHEARSAL_SUCCESS);
	check_text(result.reason, "");
	check(result.total_bytes == (uint64_t)92 << 20 && result.lowest_bytes == (uint64_t)71 << 20);
	check(result.copier_bytes == 5472 * 1024 && result.dump_bytes == 30972 * 1024);
	check(result.seconds > 6.5 && result.seconds < 6.7);
}

// The panic that was asked for is no failure of the capture, whatever the first kernel said before.
static void what_was_before_the_panic_does_not_count(void)
{
	struct rehearsal_result result = judge("kworker invoked oom-killer\n" BOOT STARTED SAVED);

	check(result.outcome == REHEARSAL_SUCCESS);
}

static void it_failed(void)
{
	struct rehearsal_result result =
		judge(BOOT STARTED "kdump: FAILED: first\r\nkdump: FAILED: UUID=x: it did not appear\r\n"
	                           "kdump: the capture FAILED; action: poweroff\r\n");

	check(result.outcome == REHEARSAL_FAILURE);
	check_text(result.reason, "UUID=x: it did not appear");
	check(result.lowest_bytes == (uint64_t)75 << 20);
}

static void too_small(void)
{
	struct rehearsal_result result =
		judge(BOOT "[    0.9] swapper/0 invoked oom-killer: gfp_mask=0x1\r\n"
	                   "[    0.9] Kernel panic - not syncing: System is deadlocked on memory\r\n");

	check(result.outcome == REHEARSAL_NO_MEMORY);
	check_text(result.reason, "[    0.9] swapper/0 invoked oom-killer: gfp_mask=0x1");
	check(judge(BOOT).outcome == REHEARSAL_NO_MEMORY);
	check(judge("@kdump-test panics\r\n").outcome == REHEARSAL_NO_MEMORY);
	check(judge(BOOT STARTED "kdump: FAILED: make a process: Cannot allocate memory\r\n").outcome ==
	      REHEARSAL_NO_MEMORY);
}

static void no_panic(void)
{
	struct rehearsal_result full = judge(
		"[    0.0] x\r\n@kdump-test has no room: load the capture kernel: Cannot assign requested address\r\n");

	check(full.outcome == REHEARSAL_NO_MEMORY);
	check_text(full.reason, "load the capture kernel: Cannot assign requested address");
	check(judge("").outcome == REHEARSAL_NOT_RUN);
	check_text(judge("@kdump-test failed: load the capture kernel: Function not implemented\r\n").reason,
	           "load the capture kernel: Function not implemented");
	check(judge("@kdump-test failed: x\r\n").outcome == REHEARSAL_NOT_RUN);
}

// By the description of the format: fields of eight digits, everything at multiples of four.
static void an_archive(void)
{
	_cleanup_fake_ struct fake fake;
	_cleanup_free_ char *text = NULL;
	struct cpio cpio = {.fd = -1};
	int fds[2] = {-1, -1};
	size_t size = 0;

	fake_init(&fake);
	fake_file(&fake, "/one", "12345");
	fake_file(&fake, "/two", "abc");
	check_ok(host_open(&fake.host, "/one", O_RDONLY, 0, &fds[0]));
	check_ok(host_open(&fake.host, "/two", O_RDONLY, 0, &fds[1]));
	check_ok(host_open(&fake.host, "/out", O_WRONLY | O_CREAT, 0600, &cpio.fd));
	check_ok(cpio_add(&cpio, "etc", S_IFDIR | 0755, NULL, 0));
	check_ok(cpio_add_files(&cpio, "etc/x", S_IFREG | 0600, fds, 2));
	check_ok(cpio_finish(&cpio));
	close(cpio.fd);
	close(fds[0]);
	close(fds[1]);
	check_ok(host_read(&fake.host, "/out", 4096, &text, &size));
	// 110 + "etc" and its end: 114, filled to 116.
	check(memcmp(text, "07070100000001000041ed", 22) == 0 &&
	      memcmp(text + 94, "0000000400000000etc\0\0\0", 22) == 0);
	// 12 bytes in two pieces, each filled; the name ends at 116 + 110 + 6 = 232.
	check(memcmp(text + 116, "0707010000000200008180", 22) == 0 && memcmp(text + 116 + 54, "0000000c", 8) == 0);
	check(memcmp(text + 226, "etc/x\0", 6) == 0 && memcmp(text + 232, "12345\0\0\0abc\0", 12) == 0);
	check(memcmp(text + 244 + 110, "TRAILER!!!", 11) == 0 && size == 244 + 124);
}

#define NETWORK                                                                                                        \
	"modules = [\"n.ko\"]; links = [\"eth0 52:54:00:00:00:01 1500\"]; addresses = [\"eth0 192.0.2.2/24\"];"        \
	" timeout_ms = 30000L; routes = [\"192.0.2.1 eth0 - -\"];"
#define SESSION "\"0 192.0.2.1 3260 1 1 iqn.2026-01.x:y iqn.2026-01.x:z none\""

static const char *const plan_text =
	FAKEPLAN("minimal", NETWORK, "", "", "\"w.ko\"", SESSION, "\"192.0.2.1 eth0 - -\"", "");

// This machine has no kernel to test, but a plan for the virtual machine is made first: nothing of it leads out of that.
static void nothing_leads_out(void)
{
	_cleanup_fake_ struct fake fake;
	_cleanup_plan_ struct plan plan = {0};
	struct rehearsal rehearsal = {.reserved_bytes = 128 << 20};
	struct error *err;

	if (access("/usr/bin/qemu-system-x86_64", X_OK) != 0)
		test_skip("qemu-system-x86_64 is not installed");
	fake_init(&fake);
	fake_file(&fake, "/boot/vmlinuz-6.1", "kernel");
	fake_file(&fake, "/var/lib/kdump/initrd", "image");
	fake_file(&fake, "/lib/modules/6.1/modules.dep", "");
	check_ok(plan_parse(plan_text, "p", &plan));
	err = rehearsal_prepare(&fake.host, &plan, &rehearsal);
	check(err && rehearsal.plan.target.device);
	error_free(err);
	check(strcmp(rehearsal.plan.target.device, plan.target.device) != 0);
	check(!*rehearsal.plan.iscsi_sessions && !*rehearsal.plan.network_links && !*rehearsal.plan.network_routes);
	check(!*rehearsal.plan.notify_routes && !*rehearsal.plan.watchdog_modules);
	rehearsal_deinit(&rehearsal);
}

static const struct test tests[] = {
	TEST(a_dump),
	TEST(what_was_before_the_panic_does_not_count),
	TEST(it_failed),
	TEST(too_small),
	TEST(nothing_leads_out),
	TEST(no_panic),
	TEST(an_archive),
};

int main(int argc, char **argv)
{
	return test_main(tests, array_size(tests), argc, argv);
}
