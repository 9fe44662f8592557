// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/efivars.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "base/io.h"

enum {
	// EFIVARS_DATA_SIZE_MAX; what is larger the kernel's pstore does not read.
	RECORD_BYTES = 1024,
	// As the kernel keeps of a log by itself (kmsg_bytes): the firmware has little room, and wears out.
	RECORDS = 10,
	// PSTORE_TYPE_DMESG
	TYPE = 0,
	// EFI_VARIABLE_NON_VOLATILE | _BOOTSERVICE_ACCESS | _RUNTIME_ACCESS
	ATTRIBUTES = 7,
};

// LINUX_EFI_CRASH_GUID
static const char guid[] = "cfc8fc79-be2e-4ddc-97f0-9f98bfe298a0";

// A variable in efivarfs: its attributes, then what is in it; in one write.
struct variable {
	uint32_t attributes;
	char data[RECORD_BYTES];
};

static struct error *write_record(const char *directory, unsigned int part, time_t time,
                                  const struct variable *variable, size_t data_bytes)
{
	_cleanup_close_ int fd = -1;
	char path[256];
	ssize_t written;

	// "D": it is not compressed.
	snprintf(path, sizeof(path), "%s/dump-type%d-%u-%d-%" PRId64 "-D-%s", directory, TYPE, part, 1, (int64_t)time,
	         guid);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return error_os(errno, "%s", path);
	written = write(fd, variable, sizeof(variable->attributes) + data_bytes);
	if (written == (ssize_t)(sizeof(variable->attributes) + data_bytes))
		return NULL;
	return error_os(written < 0 ? errno : EIO, "write %s", path);
}

struct error *efivars_write(const char *directory, int fd, time_t time, unsigned int *count_ret)
{
	struct variable variable = {.attributes = ATTRIBUTES};
	off_t end = lseek(fd, 0, SEEK_END);
	struct error *err = end < 0 ? error_os(errno, "size of the log") : NULL;

	*count_ret = 0;
	for (unsigned int part = 1; part <= RECORDS && end > 0 && !err; part++) {
		size_t used = (size_t)snprintf(variable.data, sizeof(variable.data), "Panic#1 Part%u\n", part), got = 0;
		size_t room = sizeof(variable.data) - used, size = (size_t)end < room ? (size_t)end : room;

		err = io_pread(fd, variable.data + used, size, (uint64_t)end - size, &got);
		if (!err)
			err = write_record(directory, part, time, &variable, used + got);
		end -= (off_t)size;
		*count_ret += !err;
	}
	// The firmware is full: the last lines, which say what happened, came first.
	if (err && *count_ret) {
		error_free(err);
		err = NULL;
	}
	return err ? err : *count_ret ? NULL : error_new(ERROR_OS, "the log is empty");
}

struct error *efivars_mount(void)
{
	if (mount("efivarfs", EFIVARS_PATH, "efivarfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0 && errno != EBUSY)
		return error_os(errno, "mount " EFIVARS_PATH);
	return NULL;
}
