// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/target.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "capture/blockdev.h"
#include "capture/process.h"

enum {
	// Events can be missed (a full socket buffer); a look once a second costs little.
	RESCAN_MS = 1000,
	// A capture that waits in silence looks like one that hangs.
	TELL_MS = 5000,
	MOUNT_POINT_BYTES = 40,
};

static const char sys_class_block[] = "/sys/class/block";

// Words that mount(8) or systemd read; the kernel does not know them.
static const char *const user_words[] = {"defaults", "auto",   "noauto", "user", "nouser", "users", "owner", "group",
                                         "_netdev",  "nofail", "rw",     "ro",   "suid",   "dev",   "exec",  "async"};

static const struct {
	const char *word;
	unsigned long flag;
} flag_words[] = {
	{"sync", MS_SYNCHRONOUS},      {"dirsync", MS_DIRSYNC},   {"noatime", MS_NOATIME},
	{"nodiratime", MS_NODIRATIME}, {"relatime", MS_RELATIME}, {"strictatime", MS_STRICTATIME},
	{"lazytime", MS_LAZYTIME},     {"nosuid", MS_NOSUID},     {"nodev", MS_NODEV},
	{"noexec", MS_NOEXEC},         {"silent", MS_SILENT},
};

static bool is_user_word(const char *word)
{
	if (strncmp(word, "x-", 2) == 0 || strncmp(word, "comment=", 8) == 0)
		return true;
	for (size_t i = 0; i < array_size(user_words); i++)
		if (strcmp(word, user_words[i]) == 0)
			return true;
	return false;
}

static unsigned long flag_of(const char *word)
{
	for (size_t i = 0; i < array_size(flag_words); i++)
		if (strcmp(word, flag_words[i].word) == 0)
			return flag_words[i].flag;
	return 0;
}

struct error *target_options_parse(const char *options, struct target_options *ret)
{
	_cleanup_free_ char *copy = strdup(options);
	_cleanup_free_ char *data = calloc(1, strlen(options) + 1);
	char *rest = copy, *word;

	if (!copy || !data)
		return error_new(ERROR_NOMEM, "no memory for mount options");
	ret->flags = 0;
	while ((word = strsep(&rest, ","))) {
		unsigned long flag = flag_of(word);

		ret->flags |= flag;
		if (flag || !*word || is_user_word(word))
			continue;
		if (*data)
			strcat(data, ",");
		strcat(data, word);
	}
	ret->data = take_ptr(data);
	return NULL;
}

// A socket on which the kernel announces devices; -1 if it cannot.
static int uevent_open(void)
{
	struct sockaddr_nl address = {.nl_family = AF_NETLINK, .nl_groups = 1};
	int fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_KOBJECT_UEVENT);

	if (fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		close(fd);
		fd = -1;
	}
	return fd;
}

// Waits for an announcement or for the time. All that are waiting are taken at once.
static void uevent_wait(int fd, uint64_t timeout_ms)
{
	struct pollfd pollfd = {.fd = fd, .events = POLLIN};
	char waste[2048];

	if (poll(&pollfd, fd >= 0 ? 1 : 0, (int)timeout_ms) > 0)
		while (recv(fd, waste, sizeof(waste), 0) > 0)
			;
}

static const struct blockdev *choose(const struct blockdev *devs, size_t count, const char *spec, struct log *log)
{
	const struct blockdev *best = NULL;
	unsigned int found = 0;

	for (size_t i = 0; i < count; i++) {
		if (!blockdev_matches(&devs[i], spec))
			continue;
		found++;
		if (!best || (best->is_removable && !devs[i].is_removable))
			best = &devs[i];
	}
	for (size_t i = 0; i < count && found > 1; i++)
		if (blockdev_matches(&devs[i], spec))
			log_print(log, "warning: %s is on more than one device: /dev/%s%s", spec, devs[i].name,
			          &devs[i] == best ? " (taken)" : "");
	return best;
}

// What is there instead of what was looked for.
static struct error *not_found(const char *spec, uint64_t waited_ms, const struct blockdev *devs, size_t count)
{
	char there[ERROR_TEXT_BYTES - 256] = "";
	size_t used = 0;

	for (size_t i = 0; i < count && used < sizeof(there); i++) {
		const struct blockdev *dev = &devs[i];

		used += (size_t)snprintf(there + used, sizeof(there) - used, "%s %s (%s%s%s%s%s%s%s)", used ? "," : "",
		                         dev->name,
		                         dev->is_silent   ? "does not answer"
		                         : dev->fstype[0] ? dev->fstype
		                                          : "no file system",
		                         dev->uuid[0] ? " UUID=" : "", dev->uuid, dev->label[0] ? " LABEL=" : "",
		                         dev->label, dev->partuuid[0] ? " PARTUUID=" : "", dev->partuuid);
	}
	return error_new(ERROR_TIMEOUT, "target %s did not appear within %ju.%ju s; block devices that are there:%s",
	                 spec, (uintmax_t)(waited_ms / 1000), (uintmax_t)(waited_ms % 1000 / 100),
	                 count ? there : " none");
}

static struct error *wait_device(const struct target_request *request, struct log *log,
                                 char path[BLOCKDEV_NAME_BYTES + 8])
{
	uint64_t start_ms = clock_now_ms(), tell_ms = start_ms + TELL_MS, limit_ms = start_ms + request->timeout_ms;
	_cleanup_blockdev_scan_ struct blockdev_scan scan = {0};
	_cleanup_close_ int fd = uevent_open();
	const char *spec = request->place.device;
	struct error *err = blockdev_scan_open(&scan, sys_class_block, "/dev");

	if (request->end_ms && request->end_ms < limit_ms)
		limit_ms = request->end_ms;
	for (;;) {
		_cleanup_free_ struct blockdev *devs = NULL;
		uint64_t left_ms = process_left_ms(limit_ms);
		const struct blockdev *dev;
		size_t count = 0;

		if (!err)
			err = blockdev_scan(&scan, &devs, &count);
		if (err)
			return err;
		dev = choose(devs, count, spec, log);
		if (dev) {
			snprintf(path, BLOCKDEV_NAME_BYTES + 8, "/dev/%s", dev->name);
			for (char *at = path; *at; at++)
				*at = *at == '!' ? '/' : *at;
			log_print(log, "target %s is %s (%s)", spec, path,
			          dev->fstype[0] ? dev->fstype : "unknown content");
			return NULL;
		}
		if (left_ms == 0)
			return not_found(spec, clock_now_ms() - start_ms, devs, count);
		if (process_left_ms(tell_ms) == 0) {
			log_print(log, "waiting for target %s, %ju s left", spec, (uintmax_t)(left_ms / 1000));
			tell_ms += TELL_MS;
		}
		uevent_wait(fd, left_ms < RESCAN_MS ? left_ms : RESCAN_MS);
	}
}

// Mounts without the words that this kernel did not take, keeping the one that says which tree of a file system is meant.
static struct error *mount_plain(const char *path, const char *point, const struct plan_target *target,
                                 const char *data, struct log *log)
{
	_cleanup_free_ char *copy = strdup(data);
	char *rest = copy, *word, *kept = NULL;

	if (!copy)
		return error_new(ERROR_NOMEM, "no memory for mount options");
	while ((word = strsep(&rest, ",")))
		if (strncmp(word, "subvol", 6) == 0)
			kept = word;
	log_print(log, "the kernel did not take the mount options \"%s\"; trying without", data);
	if (mount(path, point, target->fstype, MS_NOSUID | MS_NODEV | MS_NOEXEC, kept) < 0)
		return error_os(errno, "mount %s (%s)", path, target->fstype);
	return NULL;
}

static struct error *mount_device(const char *path, const char *point, const struct plan_target *target,
                                  struct log *log)
{
	struct target_options options = {0};
	struct error *err = target_options_parse(target->options, &options);
	_cleanup_free_ char *data = options.data;

	if (err)
		return err;
	if (mkdir(point, 0700) < 0 && errno != EEXIST)
		return error_os(errno, "make %s", point);
	if (mount(path, point, target->fstype, options.flags | MS_NOSUID | MS_NODEV | MS_NOEXEC, data) == 0)
		return NULL;
	if (errno == EINVAL && *data)
		return mount_plain(path, point, target, data, log);
	return error_os(errno, "mount %s (%s, options \"%s\")", path, target->fstype, target->options);
}

static void mount_point(const struct target_request *request, char point[MOUNT_POINT_BYTES])
{
	snprintf(point, MOUNT_POINT_BYTES, "/kdump-target%zu", request->number);
}

struct error *target_mount(const struct target_request *request, struct log *log, int *fd_ret)
{
	char path[BLOCKDEV_NAME_BYTES + 8], point[MOUNT_POINT_BYTES];
	struct error *err = wait_device(request, log, path);
	int fd;

	mount_point(request, point);
	if (!err)
		err = mount_device(path, point, &request->place, log);
	if (err)
		return err;
	fd = open(point, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return error_os(errno, "%s", point);
	*fd_ret = fd;
	return NULL;
}

struct error *target_unmount(const struct target_request *request, int fd)
{
	char point[MOUNT_POINT_BYTES];
	struct error *err = NULL;

	mount_point(request, point);
	if (syncfs(fd) < 0)
		err = error_os(errno, "sync the target");
	close(fd);
	if (umount2(point, 0) < 0) {
		if (!err)
			err = error_os(errno, "unmount the target");
		umount2(point, MNT_DETACH);
	}
	return err;
}
