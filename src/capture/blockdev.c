// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/blockdev.h"

#include <blkid.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

// Kinds of devices that hold nothing of ours: reading an empty floppy drive or a ram disk costs time and memory.
static const char *const ignored[] = {"ram", "loop", "zram", "fd", "sr"};

bool blockdev_matches(const struct blockdev *dev, const char *spec)
{
	if (strncmp(spec, "UUID=", 5) == 0)
		return dev->uuid[0] && strcasecmp(dev->uuid, spec + 5) == 0;
	if (strncmp(spec, "PARTUUID=", 9) == 0)
		return dev->partuuid[0] && strcasecmp(dev->partuuid, spec + 9) == 0;
	if (strncmp(spec, "LABEL=", 6) == 0)
		return dev->label[0] && strcmp(dev->label, spec + 6) == 0;
	return false;
}

static bool is_ignored(const char *name)
{
	for (size_t i = 0; i < array_size(ignored); i++) {
		size_t size = strlen(ignored[i]);

		if (strncmp(name, ignored[i], size) == 0 && name[size] >= '0' && name[size] <= '9')
			return true;
	}
	return name[0] == '.' || strlen(name) >= BLOCKDEV_NAME_BYTES;
}

// Reads a small number of a device, of its disk if it is a partition (which has no such file of its own).
static bool read_flag(const char *sys_class_block, const char *name, const char *attribute)
{
	static const char *const where[] = {"", "../"};
	char path[PATH_MAX], value = '0';

	for (size_t i = 0; i < array_size(where); i++) {
		_cleanup_close_ int fd = -1;

		snprintf(path, sizeof(path), "%s/%s/%s%s", sys_class_block, name, where[i], attribute);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd >= 0 && read(fd, &value, 1) == 1)
			return value != '0';
	}
	return false;
}

static void take_value(blkid_probe probe, const char *key, char *buf, size_t room_bytes)
{
	const char *value = NULL;

	if (blkid_probe_lookup_value(probe, key, &value, NULL) == 0 && value)
		snprintf(buf, room_bytes, "%s", value);
}

static void probe_fd(int fd, struct blockdev *dev)
{
	blkid_probe probe = blkid_new_probe();

	if (!probe)
		return;
	if (blkid_probe_set_device(probe, fd, 0, 0) == 0) {
		blkid_probe_enable_superblocks(probe, 1);
		blkid_probe_set_superblocks_flags(probe, BLKID_SUBLKS_UUID | BLKID_SUBLKS_LABEL | BLKID_SUBLKS_TYPE);
		blkid_probe_enable_partitions(probe, 1);
		blkid_probe_set_partitions_flags(probe, BLKID_PARTS_ENTRY_DETAILS);
		// Also after "ambivalent content" the partition's own identifiers are there.
		(void)!blkid_do_safeprobe(probe);
		take_value(probe, "UUID", dev->uuid, sizeof(dev->uuid));
		take_value(probe, "LABEL", dev->label, sizeof(dev->label));
		take_value(probe, "TYPE", dev->fstype, sizeof(dev->fstype));
		take_value(probe, "PART_ENTRY_UUID", dev->partuuid, sizeof(dev->partuuid));
	}
	blkid_free_probe(probe);
}

static void fill(const char *sys_class_block, const char *dev_dir, const char *name, struct blockdev *dev)
{
	_cleanup_close_ int fd = -1;
	char path[PATH_MAX];

	memset(dev, 0, sizeof(*dev));
	memcpy(dev->name, name, strlen(name) + 1);
	dev->is_removable = read_flag(sys_class_block, name, "removable");
	snprintf(path, sizeof(path), "%s/%s", dev_dir, name);
	// Names with a "/" have a "!" in sysfs.
	for (char *at = path; *at; at++)
		*at = *at == '!' ? '/' : *at;
	fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd >= 0)
		probe_fd(fd, dev);
}

static int compare(const void *a, const void *b)
{
	return strverscmp(((const struct blockdev *)a)->name, ((const struct blockdev *)b)->name);
}

struct error *blockdev_list(const char *sys_class_block, const char *dev_dir, struct blockdev **ret, size_t *count_ret)
{
	_cleanup_closedir_ DIR *dir = opendir(sys_class_block);
	_cleanup_free_ struct blockdev *devs = NULL;
	size_t count = 0;

	if (!dir)
		return error_os(errno, "%s", sys_class_block);
	for (struct dirent *entry = readdir(dir); entry; entry = readdir(dir)) {
		struct blockdev *grown;

		if (is_ignored(entry->d_name))
			continue;
		grown = reallocarray(devs, count + 1, sizeof(*devs));
		if (!grown)
			return error_new(ERROR_NOMEM, "no memory for the list of block devices");
		devs = grown;
		fill(sys_class_block, dev_dir, entry->d_name, &devs[count++]);
	}
	if (count)
		qsort(devs, count, sizeof(*devs), compare);
	*ret = take_ptr(devs);
	*count_ret = count;
	return NULL;
}
