// SPDX-License-Identifier: GPL-2.0-or-later
// kdump-test-init: the first and only program of the virtual machine of "kdumpctl test". Loads the capture kernel that is in its
// initramfs, and panics. Lines that start with "@kdump-test" on the console are for kdumpctl (boot/rehearsal.c).
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/io.h"
#include "boot/rehearsal.h"

// include/uapi/linux/kexec.h
enum { FILE_ON_CRASH = 2 };
// Longer ones are not taken by any kernel.
enum { COMMAND_LINE_BYTES = 64 * 1024 };

static struct error *mount_at(const char *type, const char *path)
{
	if (mkdir(path, 0755) < 0 && errno != EEXIST)
		return error_os(errno, "make %s", path);
	// The kernel may have mounted /dev itself.
	return mount(type, path, type, 0, NULL) < 0 && errno != EBUSY ? error_os(errno, "mount %s", path) : NULL;
}

static struct error *open_file(const char *path, int flags, int *fd_ret)
{
	*fd_ret = open(path, flags | O_CLOEXEC);
	return *fd_ret < 0 ? error_os(errno, "%s", path) : NULL;
}

static struct error *read_text(const char *path, char **ret)
{
	_cleanup_close_ int fd = -1;
	struct error *err = open_file(path, O_RDONLY, &fd);

	return err ? err : io_read_all(fd, COMMAND_LINE_BYTES, ret, NULL);
}

static struct error *load(void)
{
	_cleanup_free_ char *line = NULL, *size = NULL;
	_cleanup_close_ int kernel_fd = -1, image_fd = -1;
	struct error *err = read_text("/sys/kernel/kexec_crash_size", &size);

	if (!err && *size == '0')
		return error_new(ERROR_UNSUPPORTED, "the kernel could not reserve so much memory");
	if (!err)
		err = read_text("/" REHEARSAL_LINE_NAME, &line);
	if (!err)
		err = open_file("/" REHEARSAL_KERNEL_NAME, O_RDONLY, &kernel_fd);
	if (!err)
		err = open_file("/" REHEARSAL_IMAGE_NAME, O_RDONLY, &image_fd);
	if (!err && syscall(SYS_kexec_file_load, kernel_fd, image_fd, strlen(line) + 1, line, FILE_ON_CRASH) < 0)
		err = error_os(errno, "load the capture kernel");
	return err;
}

// What the kernel says if the parts do not fit one beside the other (kernel/kexec_file.c: kexec_locate_mem_hole(), v6.1), or into
// its memory.
static bool is_room(const struct error *err)
{
	return err && (err->code == ERROR_NOMEM || (err->code == ERROR_OS && err->errnum == EADDRNOTAVAIL));
}

static struct error *crash(void)
{
	_cleanup_close_ int fd = -1;
	struct error *err = open_file("/proc/sysrq-trigger", O_WRONLY, &fd);

	if (err)
		return err;
	printf("\n" REHEARSAL_CRASH_LINE "\n");
	fflush(stdout);
	return io_write(fd, "c", 1);
}

int main(void)
{
	_cleanup_error_ struct error *err = NULL;

	if (getpid() != 1) {
		fprintf(stderr, "kdump-test-init: this is for the virtual machine of kdumpctl test\n");
		return EXIT_USAGE;
	}
	err = mount_at("proc", "/proc");
	if (!err)
		err = mount_at("sysfs", "/sys");
	if (!err)
		err = load();
	if (!err)
		err = crash();
	printf("\n%s%s\n", is_room(err) ? REHEARSAL_ROOM_LINE : REHEARSAL_FAILED_LINE,
	       err ? err->text : "the kernel did not panic");
	fflush(stdout);
	reboot(RB_AUTOBOOT);
	for (;;)
		pause();
}
