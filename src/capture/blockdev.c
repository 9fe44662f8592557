// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/blockdev.h"

#include <blkid.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/wait.h>
#include <unistd.h>

#include "capture/process.h"

// What blkid_do_safeprobe() gives for a device on which there are marks of several formats.
enum { AMBIVALENT = -2 };

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

// Whether a device has an entry in its directory "holders".
static bool has_holder(const char *sys_class_block, const char *name)
{
	_cleanup_closedir_ DIR *dir = NULL;
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s/holders", sys_class_block, name);
	dir = opendir(path);
	for (struct dirent *entry = dir ? readdir(dir) : NULL; entry; entry = readdir(dir))
		if (entry->d_name[0] != '.')
			return true;
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
		// Also then the partition's own identifiers are there.
		dev->is_ambivalent = blkid_do_safeprobe(probe) == AMBIVALENT;
		take_value(probe, "UUID", dev->uuid, sizeof(dev->uuid));
		take_value(probe, "LABEL", dev->label, sizeof(dev->label));
		take_value(probe, "TYPE", dev->fstype, sizeof(dev->fstype));
		take_value(probe, "PTTYPE", dev->table, sizeof(dev->table));
		take_value(probe, "PART_ENTRY_UUID", dev->partuuid, sizeof(dev->partuuid));
	}
	blkid_free_probe(probe);
}

// Fills what is known of a device beside its name.
static void fill(const struct blockdev_scan *scan, struct blockdev *dev)
{
	_cleanup_close_ int fd = -1;
	char path[PATH_MAX];

	dev->is_removable = read_flag(scan->sys_class_block, dev->name, "removable");
	dev->is_held = has_holder(scan->sys_class_block, dev->name);
	snprintf(path, sizeof(path), "%s/%s", scan->dev_dir, dev->name);
	// Names with a "/" have a "!" in sysfs.
	for (char *at = path; *at; at++)
		*at = *at == '!' ? '/' : *at;
	fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd >= 0)
		probe_fd(fd, dev);
}

enum slot_state {
	SLOT_IDLE, // Its answer is there, or nobody has asked.
	SLOT_WANTED, // To be asked.
	SLOT_ASKED, // A process waits for its answer.
};

// A device, in memory that processes share.
struct blockdev_slot {
	_Atomic int state; // enum slot_state
	_Atomic pid_t asker; // The process that waits for its answer.
	bool is_present; // Of the parent.
	struct blockdev dev; // Of the process that asks, while it does.
};

enum {
	// A slot has 1 KiB; only those that are used take memory.
	SLOTS_MAX = 4096,
	// Disks that have to spin up first answer later, and are found then.
	SILENCE_MS = 3000,
	// After the first one that is silent others are not waited for as long: there may be dozens behind one dead adapter.
	NEXT_SILENCE_MS = 300,
};

struct error *blockdev_scan_open(struct blockdev_scan *ret, const char *sys_class_block, const char *dev_dir)
{
	void *slots = NULL;
	struct error *err = process_share(SLOTS_MAX * sizeof(struct blockdev_slot), &slots);

	*ret = (struct blockdev_scan){.sys_class_block = sys_class_block, .dev_dir = dev_dir, .slots = slots};
	return err;
}

void blockdev_scan_close(struct blockdev_scan *scan)
{
	// Who waits for a device may write its answer yet.
	*scan = (struct blockdev_scan){0};
}

static struct blockdev_slot *find_slot(struct blockdev_scan *scan, const char *name)
{
	struct blockdev_slot *slot;

	for (size_t i = 0; i < scan->count; i++)
		if (strcmp(scan->slots[i].dev.name, name) == 0)
			return &scan->slots[i];
	if (scan->count == SLOTS_MAX)
		return NULL;
	slot = &scan->slots[scan->count++];
	memcpy(slot->dev.name, name, strlen(name) + 1);
	return slot;
}

// What asks: the devices that are wanted, one after the other; a byte into the pipe for each answer.
struct asking {
	struct blockdev_scan *scan;
	int pipe[2];
};

static int ask_child(void *context)
{
	const struct asking *asking = context;
	struct blockdev_scan *scan = asking->scan;

	close(asking->pipe[0]);
	for (size_t i = 0; i < scan->count; i++) {
		struct blockdev_slot *slot = &scan->slots[i];
		struct blockdev dev = {0};
		int wanted = SLOT_WANTED;

		if (!atomic_compare_exchange_strong(&slot->state, &wanted, SLOT_ASKED))
			continue;
		slot->asker = getpid();
		memcpy(dev.name, slot->dev.name, sizeof(dev.name));
		fill(scan, &dev);
		slot->dev = dev;
		slot->state = SLOT_IDLE;
		// Nobody listens any more: another process goes on with the others.
		if (write(asking->pipe[1], "", 1) != 1)
			break;
	}
	return 0;
}

// Until all have answered, or one does not.
static struct error *ask_some(struct blockdev_scan *scan, int silence_ms)
{
	struct asking asking = {.scan = scan};
	struct pollfd answers = {.events = POLLIN};
	char bytes[64];
	struct error *err;

	if (pipe2(asking.pipe, O_CLOEXEC) < 0)
		return error_os(errno, "pipe");
	err = process_start(ask_child, &asking, NULL);
	close(asking.pipe[1]);
	answers.fd = asking.pipe[0];
	while (!err && poll(&answers, 1, silence_ms) > 0 && read(answers.fd, bytes, sizeof(bytes)) > 0)
		;
	close(asking.pipe[0]);
	return err;
}

static size_t count_wanted(const struct blockdev_scan *scan)
{
	size_t count = 0;

	for (size_t i = 0; i < scan->count; i++)
		count += scan->slots[i].state == SLOT_WANTED;
	return count;
}

static int compare(const void *a, const void *b)
{
	return strverscmp(((const struct blockdev *)a)->name, ((const struct blockdev *)b)->name);
}

// What is known now.
static struct error *take_answers(const struct blockdev_scan *scan, struct blockdev **ret, size_t *count_ret)
{
	struct blockdev *devs = calloc(scan->count ? scan->count : 1, sizeof(*devs));
	size_t count = 0;

	if (!devs)
		return error_new(ERROR_NOMEM, "no memory for the list of block devices");
	for (size_t i = 0; i < scan->count; i++) {
		const struct blockdev_slot *slot = &scan->slots[i];

		if (!slot->is_present)
			continue;
		if (slot->state == SLOT_IDLE) {
			devs[count++] = slot->dev;
			continue;
		}
		memcpy(devs[count].name, slot->dev.name, sizeof(devs[count].name));
		devs[count++].is_silent = true;
	}
	if (count)
		qsort(devs, count, sizeof(*devs), compare);
	*ret = devs;
	*count_ret = count;
	return NULL;
}

// Processes that asked before and have ended. One that died without an answer has none to give: what it asked may be asked again.
static void forget_dead(struct blockdev_scan *scan)
{
	pid_t pid;

	while ((pid = waitpid(-1, NULL, WNOHANG)) > 0)
		for (size_t i = 0; i < scan->count; i++)
			if (scan->slots[i].state == SLOT_ASKED && scan->slots[i].asker == pid)
				scan->slots[i].state = SLOT_IDLE;
}

struct error *blockdev_scan(struct blockdev_scan *scan, struct blockdev **ret, size_t *count_ret)
{
	_cleanup_closedir_ DIR *dir = opendir(scan->sys_class_block);
	struct error *err = NULL;
	bool is_first = true;

	if (!dir)
		return error_os(errno, "%s", scan->sys_class_block);
	forget_dead(scan);
	for (size_t i = 0; i < scan->count; i++)
		scan->slots[i].is_present = false;
	for (struct dirent *entry = readdir(dir); entry; entry = readdir(dir)) {
		struct blockdev_slot *slot = is_ignored(entry->d_name) ? NULL : find_slot(scan, entry->d_name);

		if (!slot)
			continue;
		slot->is_present = true;
		if (slot->state == SLOT_IDLE)
			slot->state = SLOT_WANTED;
	}
	for (size_t left = count_wanted(scan), before = left + 1; !err && left && left < before;) {
		err = ask_some(scan, is_first ? SILENCE_MS : NEXT_SILENCE_MS);
		is_first = false;
		before = left;
		left = count_wanted(scan);
	}
	return err ? err : take_answers(scan, ret, count_ret);
}
