// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/system.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/io.h"

enum {
	SMALL_FILE_BYTES = 65536,
	// Enough for what drivers say about one failing device.
	KERNEL_LOG_BYTES = 16384,
	// Longest record that /dev/kmsg hands out (PRINTK_MESSAGE_MAX; kernel/printk/printk.c).
	KERNEL_RECORD_BYTES = 8192,
};

struct pseudo_mount {
	const char *type;
	const char *path;
	unsigned long flags;
};

static const struct pseudo_mount pseudo_mounts[] = {
	{"devtmpfs", "/dev", MS_NOSUID},
	{"proc", "/proc", MS_NOSUID | MS_NODEV | MS_NOEXEC},
	{"sysfs", "/sys", MS_NOSUID | MS_NODEV | MS_NOEXEC},
};

static void open_console(struct log *log)
{
	int fd = open("/dev/console", O_RDWR | O_NOCTTY);

	if (fd < 0)
		return;
	for (int standard = 0; standard <= 2; standard++)
		if (fd != standard)
			dup2(fd, standard);
	if (fd > 2)
		close(fd);
	log->console_fd = 2;
}

void system_start(struct log *log)
{
	struct error *errors[array_size(pseudo_mounts)] = {NULL};

	umask(022);
	(void)!chdir("/");
	for (size_t i = 0; i < array_size(pseudo_mounts); i++) {
		const struct pseudo_mount *pseudo = &pseudo_mounts[i];

		mkdir(pseudo->path, 0755);
		// EBUSY: the kernel or an earlier init has done it.
		if (mount(pseudo->type, pseudo->path, pseudo->type, pseudo->flags, NULL) < 0 && errno != EBUSY)
			errors[i] = error_os(errno, "mount %s", pseudo->path);
	}
	open_console(log);
	for (size_t i = 0; i < array_size(errors); i++) {
		if (errors[i])
			log_print(log, "%s", errors[i]->text);
		error_free(errors[i]);
	}
}

void system_join(struct log *log)
{
	umask(022);
	(void)!chdir("/");
	open_console(log);
}

static char *read_small(const char *path)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	char *text = NULL;

	if (fd >= 0)
		error_free(io_read_all(fd, SMALL_FILE_BYTES, &text, NULL));
	return text;
}

uint64_t system_meminfo(const char *key)
{
	_cleanup_free_ char *text = read_small("/proc/meminfo");
	size_t key_size = strlen(key);

	for (char *line = text; line && *line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL)
		if (strncmp(line, key, key_size) == 0 && line[key_size] == ':')
			return strtoull(line + key_size + 1, NULL, 10) * 1024;
	return 0;
}

uint64_t system_ram(void)
{
	_cleanup_free_ char *text = read_small("/proc/iomem");
	uint64_t sum = 0, first, last;

	// What is inside of such an area is further in.
	for (char *line = text; line && *line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL)
		if (*line != ' ' && strncmp(line + strcspn(line, ":\n"), ": System RAM", 12) == 0 &&
		    sscanf(line, "%" SCNx64 "-%" SCNx64, &first, &last) == 2 && last >= first)
			sum += last - first + 1;
	return sum;
}

uint64_t system_room(int fd)
{
	struct statvfs info;

	return fstatvfs(fd, &info) == 0 ? (uint64_t)info.f_bavail * info.f_frsize : 0;
}

void system_oom_adjust(int adjustment)
{
	_cleanup_close_ int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
	char text[16];
	int size = snprintf(text, sizeof(text), "%d\n", adjustment);

	if (fd >= 0)
		(void)!write(fd, text, (size_t)size);
}

void system_boot_id(char ret[SYSTEM_BOOT_ID_BYTES])
{
	_cleanup_free_ char *text = read_small("/proc/sys/kernel/random/boot_id");

	memcpy(ret, "00000000", SYSTEM_BOOT_ID_BYTES);
	if (text && strspn(text, "0123456789abcdef") >= SYSTEM_BOOT_ID_BYTES - 1)
		memcpy(ret, text, SYSTEM_BOOT_ID_BYTES - 1);
}

// A record is "PRIORITY,SEQUENCE,MICROSECONDS,FLAGS;TEXT\n" and perhaps lines that start with a blank
// (Documentation/ABI/testing/dev-kmsg). Writes "[    1.234567] TEXT". Returns the number of bytes, 0 for no record.
static size_t format_record(const char *record, char *line, size_t room_bytes)
{
	const char *text = strchr(record, ';');
	unsigned long long us;
	int used;

	if (!text || sscanf(record, "%*u,%*u,%llu", &us) != 1)
		return 0;
	text++;
	used = snprintf(line, room_bytes, "[%5llu.%06llu] %.*s\n", us / 1000000, us % 1000000, (int)strcspn(text, "\n"),
	                text);
	return used > 0 && (size_t)used < room_bytes ? (size_t)used : 0;
}

void system_kernel_log(struct log *log)
{
	_cleanup_close_ int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	_cleanup_free_ char *tail = malloc(2 * KERNEL_LOG_BYTES);
	char record[KERNEL_RECORD_BYTES + 1], line[KERNEL_RECORD_BYTES];
	size_t used = 0, start = 0;

	if (fd < 0 || !tail || log->file_fd < 0)
		return;
	for (;;) {
		ssize_t n = read(fd, record, KERNEL_RECORD_BYTES);
		size_t size;

		// EPIPE: the record was overwritten before we came; the next read gives the next one.
		if (n < 0 && (errno == EPIPE || errno == EINTR))
			continue;
		if (n <= 0)
			break;
		record[n] = '\0';
		size = format_record(record, line, sizeof(line));
		if (used + size > 2 * KERNEL_LOG_BYTES) {
			memmove(tail, tail + used - KERNEL_LOG_BYTES, KERNEL_LOG_BYTES);
			used = KERNEL_LOG_BYTES;
		}
		memcpy(tail + used, line, size);
		used += size;
	}
	start = used > KERNEL_LOG_BYTES ? used - KERNEL_LOG_BYTES : 0;
	while (start && start < used && tail[start - 1] != '\n')
		start++;
	error_free(io_write(log->file_fd, "--- last messages of the capture kernel:\n", 41));
	error_free(io_write(log->file_fd, tail + start, used - start));
	error_free(io_write(log->file_fd, "---\n", 4));
}
