// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/target.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "boot/crypt.h"
#include "boot/text.h"
#include "capture/blockdev.h"
#include "capture/crypt.h"
#include "capture/events.h"
#include "capture/iscsi.h"
#include "capture/process.h"

enum {
	// Events can be missed (a full socket buffer); a look once a second costs little.
	RESCAN_MS = 1000,
	// A capture that waits in silence looks like one that hangs.
	TELL_MS = 5000,
	// A file system over several devices is not whole until the last one has come.
	MOUNT_MS = 20000,
	MOUNT_POINT_BYTES = 40,
	SECRETS_MAX_BYTES = 4096,
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

static bool is_meant(const struct blockdev *dev, const char *spec, bool is_mapper_only)
{
	return blockdev_matches(dev, spec) && !dev->is_held && (!is_mapper_only || strncmp(dev->name, "dm-", 3) == 0);
}

static const struct blockdev *choose(const struct blockdev *devs, size_t count, const char *spec, bool is_mapper_only,
                                     struct log *log, unsigned int *found_ret)
{
	const struct blockdev *best = NULL;
	unsigned int found = 0;

	for (size_t i = 0; i < count; i++) {
		if (!is_meant(&devs[i], spec, is_mapper_only))
			continue;
		found++;
		if (!best || (best->is_removable && !devs[i].is_removable))
			best = &devs[i];
	}
	for (size_t i = 0; i < count && found > 1; i++)
		if (is_meant(&devs[i], spec, is_mapper_only))
			log_print(log, "warning: %s is on more than one device: /dev/%s%s", spec, devs[i].name,
			          &devs[i] == best ? " (taken)" : "");
	*found_ret = found;
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

// found_ret: how many there are.
static struct error *wait_device(const struct target_request *request, struct log *log, struct blockdev *ret,
                                 char path[TARGET_PATH_BYTES], unsigned int *found_ret)
{
	uint64_t start_ms = clock_now_ms(), tell_ms = start_ms + TELL_MS, limit_ms = start_ms + request->timeout_ms;
	_cleanup_blockdev_scan_ struct blockdev_scan scan = {0};
	_cleanup_close_ int fd = events_of_devices();
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
		// One path is better than none.
		dev = choose(devs, count, spec, request->is_multipath && left_ms > request->timeout_ms / 2, log,
		             found_ret);
		if (dev) {
			snprintf(path, TARGET_PATH_BYTES, "/dev/%s", dev->name);
			for (char *at = path; *at; at++)
				*at = *at == '!' ? '/' : *at;
			log_print(log, "target %s is %s (%s)", spec, path,
			          dev->fstype[0] ? dev->fstype : "unknown content");
			*ret = *dev;
			return NULL;
		}
		if (left_ms == 0)
			return not_found(spec, clock_now_ms() - start_ms, devs, count);
		if (process_left_ms(tell_ms) == 0) {
			log_print(log, "waiting for target %s, %ju s left", spec, (uintmax_t)(left_ms / 1000));
			tell_ms += TELL_MS;
		}
		events_wait(fd, left_ms < RESCAN_MS ? left_ms : RESCAN_MS);
	}
}

// Before the disk is waited for. A target whose disks are all in this machine needs nothing.
static struct error *log_in(const struct target_request *request, struct log *log)
{
	_cleanup_host_ struct host host = {.root_fd = -1};
	uint64_t now_ms = clock_now_ms(), most_ms = request->plan ? request->plan->network_timeout_ms : 0;
	struct iscsi_request sessions = {.plan = request->plan, .number = request->number, .end_ms = request->end_ms};
	struct error *err;

	if (!request->plan || !iscsi_is_needed(request->plan, request->number))
		return NULL;
	sessions.limit_ms = process_earlier_ms(
		request->end_ms, now_ms + (most_ms < request->timeout_ms ? most_ms : request->timeout_ms));
	err = host_init(&host, "/");
	return err ? err : iscsi_log_in(&host, &sessions, log);
}

// Before its file system is waited for: its disk, with the header, comes first.
static struct error *open_volume(const struct target_request *request, struct log *log)
{
	const char *row = request->plan ? crypt_find(request->plan, request->number) : NULL;
	_cleanup_host_ struct host host = {.root_fd = -1};
	_cleanup_words_ struct words volume = {0};
	struct target_request disk = *request;
	char spec[BLOCKDEV_ID_BYTES], path[TARGET_PATH_BYTES];
	struct blockdev dev = {0};
	unsigned int found;
	struct error *err = row ? host_init(&host, "/") : NULL;

	if (err || !row || crypt_is_open(&host, request->number))
		return err;
	err = crypt_parse(row, &volume);
	if (err)
		return err;
	snprintf(spec, sizeof(spec), "UUID=%s", volume.list[CRYPT_UUID]);
	disk.place.device = spec;
	err = wait_device(&disk, log, &dev, path, &found);
	return err ? err : crypt_open(&host, &volume, path, log);
}

struct error *target_find_raw(const struct target_request *request, struct log *log, char path[TARGET_PATH_BYTES])
{
	struct blockdev dev = {0};
	unsigned int found = 0;
	struct error *err = log_in(request, log);

	if (!err)
		err = wait_device(request, log, &dev, path, &found);
	// A disk that was copied: nobody knows which of them may be overwritten.
	if (!err && found > 1)
		err = error_new(ERROR_BAD_DATA, "%s is on %u devices; nothing is written over any of them",
		                request->place.device, found);
	// It held nothing when the plan was made. Somebody may have found it as empty as we did.
	if (!err && (dev.is_ambivalent || dev.fstype[0] || dev.table[0]))
		err = error_new(ERROR_BAD_DATA, "%s holds %s%s now; nothing is written over it", path,
		                dev.is_ambivalent ? "several formats"
		                : dev.fstype[0]   ? dev.fstype
		                                  : "a partition table, ",
		                dev.is_ambivalent || dev.fstype[0] ? "" : dev.table);
	return err;
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

// Versions of NFS in the order in which they are tried, where the plan has none. A server tells at once what it does not speak.
// A dump has no use for what 4.2 brings, and its READ_PLUS, by which a client then reads, fails between some of them: each read is
// EIO with Linux 6.12 and nfs-ganesha 4.3.
static int mount_nfs(const struct plan_target *place, const char *point, unsigned long flags, const char *options)
{
	static const char *const versions[] = {"vers=4.1", "vers=4.2", "vers=4.0", "vers=3"};
	bool is_given = strstr(options, "vers=");
	int errnum = 0;

	for (size_t i = 0; i < array_size(versions); i++) {
		_cleanup_free_ char *data = NULL;

		if (asprintf(&data, "%s%s%s", options, is_given ? "" : ",", is_given ? "" : versions[i]) < 0) {
			data = NULL;
			return ENOMEM;
		}
		if (mount(place->device, point, "nfs", flags, data) == 0)
			return 0;
		errnum = errno;
		if (is_given || (errnum != EPROTONOSUPPORT && errnum != EINVAL))
			break;
	}
	return errnum;
}

// A value of a mount option of cifs: a comma in it is written twice (fs/smb/client/fs_context.c: smb3_fs_context_parse_monolithic).
static void add_cifs_value(struct text *data, const char *name, const char *value)
{
	text_add(data, ",%s=", name);
	for (; *value && *value != '\n'; value++)
		text_add(data, *value == ',' ? ",," : "%c", *value);
}

// The lines of a target's secrets as options, in place of the word that says that there are some.
static struct error *add_secrets(const struct target_request *request, struct text *data)
{
	_cleanup_close_ int fd = -1;
	_cleanup_free_ char *text = NULL;
	char path[64], *rest, *line;
	struct error *err;

	snprintf(path, sizeof(path), PLAN_SECRETS_PATH "%zu", request->number);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return error_os(errno, "%s", path);
	err = io_read_all(fd, SECRETS_MAX_BYTES, &text, NULL);
	rest = text;
	while (!err && (line = strsep(&rest, "\n"))) {
		char *equals = strchr(line, '=');

		if (!equals)
			continue;
		*equals = '\0';
		add_cifs_value(data, strcmp(line, "user") == 0 ? "username" : "password", equals + 1);
	}
	return err;
}

static struct error *mount_cifs(const struct target_request *request, const char *point, unsigned long flags,
                                int *errnum_ret)
{
	_cleanup_text_ struct text text = {0};
	_cleanup_free_ char *options = strdup(request->place.options), *data = NULL;
	char *rest = options, *word;
	struct error *err = options ? NULL : error_new(ERROR_NOMEM, "no memory for mount options");

	while (!err && (word = strsep(&rest, ","))) {
		if (strcmp(word, "secrets") == 0)
			err = add_secrets(request, &text);
		else
			text_add(&text, ",%s", word);
	}
	if (!err)
		err = text_take(&text, &data);
	if (err)
		return err;
	*errnum_ret = mount(request->place.device, point, PLAN_CIFS, flags, data + 1) < 0 ? errno : 0;
	explicit_bzero(data, strlen(data));
	return NULL;
}

// What a server says that is there and does not want us.
static bool is_refusal(int errnum)
{
	return errnum == EACCES || errnum == EPERM || errnum == ENOENT || errnum == EINVAL ||
	       errnum == EPROTONOSUPPORT || errnum == ENODEV || errnum == ENOMEM || errnum == ENOTDIR;
}

// Until the network is there and the server answers.
static struct error *mount_server(const struct target_request *request, const char *point, struct log *log)
{
	uint64_t start_ms = clock_now_ms(),
		 limit_ms = process_earlier_ms(request->end_ms, start_ms + request->timeout_ms);
	struct target_options options = {0};
	struct error *err = target_options_parse(request->place.options, &options);
	_cleanup_free_ char *data = options.data;
	_cleanup_close_ int fd = events_of_routes();
	unsigned long flags = options.flags | MS_NOSUID | MS_NODEV | MS_NOEXEC;
	int errnum = 0;

	if (err)
		return err;
	if (mkdir(point, 0700) < 0 && errno != EEXIST)
		return error_os(errno, "make %s", point);
	for (;;) {
		uint64_t left_ms = process_left_ms(limit_ms);

		if (strcmp(request->place.fstype, PLAN_CIFS) == 0)
			err = mount_cifs(request, point, flags, &errnum);
		else
			errnum = mount_nfs(&request->place, point, flags, data);
		if (err)
			return err;
		if (!errnum) {
			log_print(log, "target %s is mounted after %ju ms", request->place.device,
			          (uintmax_t)(clock_now_ms() - start_ms));
			return NULL;
		}
		if (is_refusal(errnum) || !left_ms)
			return error_os(errnum, "mount %s (%s, options \"%s\") in %ju s", request->place.device,
			                request->place.fstype, request->place.options,
			                (uintmax_t)(clock_now_ms() - start_ms) / 1000);
		events_wait(fd, left_ms < RESCAN_MS ? left_ms : RESCAN_MS);
	}
}

static void mount_point(const struct target_request *request, char point[MOUNT_POINT_BYTES])
{
	snprintf(point, MOUNT_POINT_BYTES, "/kdump-target%zu", request->number);
}

bool target_is_server(const struct plan_target *place)
{
	return strcmp(place->fstype, "nfs") == 0 || strcmp(place->fstype, PLAN_CIFS) == 0 ||
	       plan_target_is_server(place);
}

// Looks again after a failure: it may have been a part of what comes then.
static struct error *wait_and_mount(const struct target_request *request, const char *point, struct log *log)
{
	struct error *err = log_in(request, log);
	uint64_t retry_ms = 0;
	char path[TARGET_PATH_BYTES];
	struct blockdev dev;

	if (!err)
		err = open_volume(request, log);
	for (;;) {
		unsigned int found;

		if (!err)
			err = wait_device(request, log, &dev, path, &found);
		if (err)
			return err;
		err = mount_device(path, point, &request->place, log);
		if (!retry_ms)
			retry_ms = process_earlier_ms(request->end_ms, clock_now_ms() + MOUNT_MS);
		if (!err || !request->is_stacked || process_left_ms(retry_ms) < RESCAN_MS)
			return err;
		log_print(log, "%s; trying again", err->text);
		error_free(err);
		err = NULL;
		events_wait(-1, RESCAN_MS);
	}
}

struct error *target_mount(const struct target_request *request, struct log *log, int *fd_ret)
{
	char point[MOUNT_POINT_BYTES];
	struct error *err;

	mount_point(request, point);
	err = target_is_server(&request->place) ? mount_server(request, point, log)
	                                        : wait_and_mount(request, point, log);
	return err ? err : target_open(request, fd_ret);
}

struct error *target_open(const struct target_request *request, int *fd_ret)
{
	char point[MOUNT_POINT_BYTES];
	int fd;

	mount_point(request, point);
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
