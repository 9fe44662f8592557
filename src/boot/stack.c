// SPDX-License-Identifier: GPL-2.0-or-later
#include "boot/stack.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/endian.h"
#include "boot/luks.h"

// Real stacks have five layers at most: a volume on a pool on a mirror on partitions of multipath disks.
enum { DEPTH_MAX = 16 };

// A layer: how it is recognised, what it is called, and dracut's module that brings it up.
struct layer {
	const char *part; // Of the path in sysfs, or the beginning of the UUID that device-mapper knows.
	const char *why;
	const char *dracut_module; // NULL: nothing does that here; "": something else in the stack does.
};

static const char iscsi_mark[] = ISCSI_SESSION_MARK;

// Disks and layers by their path in sysfs; the first one that fits counts. Without one of these a disk is plain.
static const struct layer by_path[] = {
	{iscsi_mark, "an iSCSI disk", NULL},
	{"/nvme-fabrics/", "a disk reached by NVMe over fabrics", NULL},
	{"/virtual/nvme-subsystem/", "an NVMe disk with several paths", NULL},
	{"/virtual/block/md", "a RAID array (md)", "mdraid"},
	{"/virtual/block/loop", "a loop device", NULL},
	{"/virtual/block/nbd", "a network block device", NULL},
	{"/virtual/block/drbd", "a DRBD device", NULL},
	{"/virtual/block/zram", "compressed memory (zram)", NULL},
	{"/virtual/block/ram", "a RAM disk", NULL},
	{"/virtual/bdi/", "a virtual device", NULL},
	{"/devices/rbd/", "a Ceph device (rbd)", NULL},
	{"/css0/", "a disk on a channel subsystem (DASD or zFCP)", NULL},
	{"/devices/virtual/block/", "a virtual block device", NULL},
};

static const char encrypted[] = "CRYPT-";

static const struct layer by_mapper_uuid[] = {
	{"LVM-", "a logical volume (LVM)", "lvm"},   {encrypted, "an encrypted volume (LUKS or dm-crypt)", NULL},
	{"mpath-", "a multipath disk", "multipath"}, {"part", "a partition of a device-mapper disk", ""},
	{"", "a device-mapper device", NULL},
};

static struct error *no_memory(void)
{
	return error_new(ERROR_NOMEM, "no memory for what a device stands on");
}

void stack_deinit(struct stack *stack)
{
	words_deinit(&stack->reasons);
	words_deinit(&stack->dracut_modules);
	words_deinit(&stack->devices);
	words_deinit(&stack->disks);
	iscsi_sessions_deinit(&stack->sessions);
	crypt_volumes_deinit(&stack->volumes);
}

static const struct layer *find_layer(const char *sysfs, const char *mapper_uuid)
{
	if (mapper_uuid) {
		for (size_t i = 0; i < array_size(by_mapper_uuid); i++)
			if (strncmp(mapper_uuid, by_mapper_uuid[i].part, strlen(by_mapper_uuid[i].part)) == 0)
				return &by_mapper_uuid[i];
	}
	for (size_t i = 0; i < array_size(by_path); i++)
		if (strstr(sysfs, by_path[i].part))
			return &by_path[i];
	return NULL;
}

// Names in SYSFS/slaves, of a partition those of its disk.
static struct error *list_below(const struct host *host, const struct device *device, char ***ret)
{
	static const char *const where[] = {"", "/.."};
	struct error *err = NULL;

	for (size_t i = 0; i < array_size(where); i++) {
		_cleanup_(host_names_freep) char **names = NULL;
		_cleanup_free_ char *dir = NULL;

		if (asprintf(&dir, "%s%s/slaves", device->sysfs, where[i]) < 0) {
			dir = NULL;
			return no_memory();
		}
		err = host_list(host, dir, &names);
		if (err)
			return err;
		if (*names || i + 1 == array_size(where)) {
			*ret = take_ptr(names);
			return NULL;
		}
	}
	return NULL;
}

static struct error *by_kernel_name(const struct host *host, const char *name, struct device *ret)
{
	_cleanup_free_ char *path = NULL;

	if (asprintf(&path, "/dev/%s", name) < 0) {
		path = NULL;
		return no_memory();
	}
	return device_by_name(host, path, ret);
}

static struct error *add(const struct host *host, const struct device *device, unsigned int depth,
                         struct stack *stack) must_check;

static struct error *add_below(const struct host *host, const struct device *device, const char *subject,
                               unsigned int depth, struct stack *stack)
{
	_cleanup_(host_names_freep) char **names = NULL;
	struct error *err = list_below(host, device, &names);

	if (!err && !*names)
		err = error_new(ERROR_UNSUPPORTED, "%s: the disks below it are not known", subject);
	for (char **name = names; !err && *name; name++) {
		_cleanup_device_ struct device below = {0};

		err = by_kernel_name(host, *name, &below);
		if (!err)
			err = add(host, &below, depth + 1, stack);
	}
	return err;
}

// Nobody types a passphrase after a crash; the kernel may hand over the key.
static struct error *add_encrypted(const struct host *host, const struct device *device, const char *subject,
                                   unsigned int depth, struct stack *stack)
{
	_cleanup_(host_names_freep) char **names = NULL;
	_cleanup_device_ struct device below = {0};
	struct error *err = list_below(host, device, &names);

	if (!err && *names)
		err = by_kernel_name(host, *names, &below);
	if (err)
		return err;
	if (!below.name)
		return luks_refuse(host, subject, NULL);
	err = crypt_add(host, device, &below, subject, &stack->volumes);
	if (err)
		return err;
	err = depth ? NULL : add(host, &below, depth + 1, stack);
	// dracut's modules look for volumes and arrays when disks come, but nobody has seen whether one that we open comes in time.
	if (!err && (depth || stack->reasons.count || stack->sessions.rows.count))
		err = error_new(ERROR_UNSUPPORTED,
		                "%s, and %s; that is not supported yet: name a file system on an encrypted volume that "
		                "lies on a plain disk or partition, or one that is not encrypted",
		                subject,
		                depth                  ? "other volumes stand on it"
		                : stack->reasons.count ? "stands on other volumes"
		                                       : "stands on an iSCSI disk");
	return err;
}

// A layer whose name and kind are known.
static struct error *add_layer(const struct host *host, const struct device *device, const struct layer *layer,
                               const char *mapper_name, unsigned int depth, struct stack *stack)
{
	_cleanup_free_ char *subject = NULL;
	bool is_top = !depth, is_new = layer->dracut_module && !words_has(&stack->dracut_modules, layer->dracut_module);

	if (asprintf(&subject, "/dev/%s is %s%s%s%s", device->name, layer->why, mapper_name ? " \"" : "",
	             mapper_name ? mapper_name : "", mapper_name ? "\"" : "") < 0) {
		subject = NULL;
		return no_memory();
	}
	if (layer->part == encrypted)
		return add_encrypted(host, device, subject, depth, stack);
	if (!layer->dracut_module)
		return error_new(ERROR_UNSUPPORTED,
		                 "%s; that is not supported yet: name a disk, or a file system on LVM, md or multipath",
		                 subject);
	// Of the inner volumes of a pool one is enough to tell.
	if (is_top || is_new)
		words_add(&stack->reasons, subject);
	if (is_new && *layer->dracut_module)
		words_add(&stack->dracut_modules, layer->dracut_module);
	if (is_top && mapper_name)
		words_addf(&stack->devices, "/dev/mapper/%s", mapper_name);
	else if (is_top)
		words_addf(&stack->devices, "/dev/%s", device->name);
	return add_below(host, device, subject, depth, stack);
}

static struct error *add(const struct host *host, const struct device *device, unsigned int depth, struct stack *stack)
{
	_cleanup_free_ char *mapper_uuid = device_attribute(host, device, "dm/uuid");
	_cleanup_free_ char *mapper_name = device_attribute(host, device, "dm/name");
	const struct layer *layer = find_layer(device->sysfs, mapper_uuid || !mapper_name ? mapper_uuid : "");

	if (depth > DEPTH_MAX)
		return error_new(ERROR_BAD_DATA, "%s: what it stands on goes in a circle", device->sysfs);
	if (layer && layer->part == iscsi_mark) {
		struct error *err = iscsi_add(host, device, &stack->sessions);

		if (err)
			return err;
	} else if (layer) {
		return add_layer(host, device, layer, mapper_name, depth, stack);
	}
	if (!words_has(&stack->disks, device->sysfs))
		words_add(&stack->disks, device->sysfs);
	return NULL;
}

static struct error *check(const struct stack *stack)
{
	struct error *err = words_check(&stack->reasons);

	if (!err)
		err = words_check(&stack->dracut_modules);
	if (!err)
		err = words_check(&stack->devices);
	return err ? err : words_check(&stack->disks);
}

// Sessions that lead to one disk: any of them will do after a crash, and nobody has to put them together.
static bool is_one_disk(const struct stack *stack)
{
	return stack->dracut_modules.count == 1 && strcmp(stack->dracut_modules.list[0], "multipath") == 0 &&
	       stack->sessions.rows.count == stack->disks.count;
}

static struct error *settle_sessions(struct stack *stack)
{
	if (!stack->reasons.count || !stack->sessions.rows.count)
		return NULL;
	// dracut's modules look for volumes and arrays when disks come, but nobody has seen whether these come in time.
	if (!is_one_disk(stack))
		return error_new(
			ERROR_UNSUPPORTED,
			"%s, and stands on an iSCSI disk; that is not supported yet: name a file system that lies on "
			"the iSCSI disk itself, on a partition of it, or on a multipath disk of iSCSI disks",
			stack->reasons.list[0]);
	words_deinit(&stack->reasons);
	words_deinit(&stack->dracut_modules);
	words_deinit(&stack->devices);
	stack->reasons = stack->dracut_modules = stack->devices = (struct words){0};
	return NULL;
}

struct error *stack_add(const struct host *host, const struct device *device, struct stack *stack)
{
	struct error *err = add(host, device, 0, stack);

	if (!err)
		err = check(stack);
	return err ? err : settle_sessions(stack);
}

// How many devices a btrfs has that is not mounted; 1 where that cannot be read. struct btrfs_super_block, Linux v6.1
// include/uapi/linux/btrfs_tree.h.
static uint64_t btrfs_count(const struct host *host, const char *path)
{
	enum { SUPER_OFFSET = 64 << 10, MAGIC_OFFSET = 0x40, COUNT_OFFSET = 0x88, SUPER_BYTES = 0x90 };
	_cleanup_close_ int fd = -1;
	_cleanup_error_ struct error *err = host_open(host, path, O_RDONLY, 0, &fd);
	unsigned char super[SUPER_BYTES];

	if (err || pread(fd, super, sizeof(super), SUPER_OFFSET) != (ssize_t)sizeof(super) ||
	    memcmp(super + MAGIC_OFFSET, "_BHRfS_M", 8) != 0)
		return 1;
	return load_u64(super + COUNT_OFFSET, false);
}

struct error *stack_add_btrfs(const struct host *host, const char *uuid, const char *subject, struct stack *stack)
{
	_cleanup_(host_names_freep) char **names = NULL;
	_cleanup_free_ char *dir = NULL;
	struct error *err;

	if (asprintf(&dir, "/sys/fs/btrfs/%s/devices", uuid) < 0) {
		dir = NULL;
		return no_memory();
	}
	err = host_list(host, dir, &names);
	if (!err && !names[0] && btrfs_count(host, subject) > 1)
		return error_new(ERROR_CONFIG,
		                 "%s is part of a btrfs over several devices, and which these are is known only while "
		                 "it is mounted: "
		                 "mount it, at each boot (/etc/fstab)",
		                 subject);
	if (err || !names[0] || !names[1])
		return err;
	words_addf(&stack->reasons, "%s is part of a btrfs over several devices", subject);
	words_add(&stack->dracut_modules, "btrfs");
	for (char **name = names; !err && *name; name++) {
		_cleanup_device_ struct device device = {0};

		err = by_kernel_name(host, *name, &device);
		if (!err)
			err = add(host, &device, 0, stack);
		if (!err && words_has(&stack->disks, device.sysfs))
			words_addf(&stack->devices, "/dev/%s", *name);
	}
	if (!err)
		err = check(stack);
	return err ? err : settle_sessions(stack);
}
