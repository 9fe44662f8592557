// SPDX-License-Identifier: GPL-2.0-or-later
#include "boot/device.h"

#include <blkid/blkid.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <strings.h>

#include "boot/text.h"

// sysfs files of one value.
enum { ATTRIBUTE_MAX_BYTES = 4096 };
// Devices that a message lists.
enum { LISTED_MAX = 12 };
// What blkid_do_safeprobe() gives for a device on which there are marks of several formats.
enum { AMBIVALENT = -2 };

void device_deinit(struct device *device)
{
	free(device->name);
	free(device->number);
	free(device->sysfs);
	*device = (struct device){0};
}

void device_content_deinit(struct device_content *content)
{
	free(content->uuid);
	free(content->fstype);
	free(content->partuuid);
	free(content->holds);
	*content = (struct device_content){0};
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

// A link "../../devices/…" in /sys/dev/block or /sys/class/block: both lie as deep as the link climbs.
static struct error *from_link(const struct host *host, const char *link_path, struct device *ret)
{
	_cleanup_device_ struct device device = {0};
	_cleanup_free_ char *link = NULL, *number_path = NULL;
	struct error *err = host_readlink(host, link_path, &link);
	const char *rest = link;

	if (err)
		return err;
	while (strncmp(rest, "../", 3) == 0)
		rest += 3;
	if (asprintf(&device.sysfs, "/sys/%s", rest) < 0) {
		device.sysfs = NULL;
		return error_new(ERROR_NOMEM, "no memory for a device");
	}
	device.name = strdup(base_name(rest));
	if (!device.name || asprintf(&number_path, "/sys/%s/dev", rest) < 0) {
		number_path = NULL;
		return error_new(ERROR_NOMEM, "no memory for a device");
	}
	err = host_read(host, number_path, ATTRIBUTE_MAX_BYTES, &device.number, NULL);
	if (err)
		return err;
	device.number[strcspn(device.number, "\n")] = '\0';
	*ret = device;
	device = (struct device){0};
	return NULL;
}

struct error *device_by_number(const struct host *host, const char *number, struct device *ret)
{
	_cleanup_free_ char *path = NULL;

	if (asprintf(&path, "/sys/dev/block/%s", number) < 0) {
		path = NULL;
		return error_new(ERROR_NOMEM, "no memory for a path");
	}
	return from_link(host, path, ret);
}

static struct error *by_kernel_name(const struct host *host, const char *name, struct device *ret)
{
	_cleanup_free_ char *path = NULL;

	if (asprintf(&path, "/sys/class/block/%s", name) < 0) {
		path = NULL;
		return error_new(ERROR_NOMEM, "no memory for a path");
	}
	// "cciss/c0d0" is "cciss!c0d0" in sysfs.
	for (char *at = path + strlen("/sys/class/block/"); *at; at++)
		*at = *at == '/' ? '!' : *at;
	return from_link(host, path, ret);
}

// A tag, udev's directory of links for it, and libblkid's name of it.
struct tag {
	const char *prefix;
	const char *dir;
	const char *blkid_name;
};

static const struct tag tags[] = {
	{"UUID=", "/dev/disk/by-uuid", "UUID"},
	{"LABEL=", "/dev/disk/by-label", "LABEL"},
	{"PARTUUID=", "/dev/disk/by-partuuid", "PART_ENTRY_UUID"},
	{"PARTLABEL=", "/dev/disk/by-partlabel", "PART_ENTRY_NAME"},
};

static const struct tag *find_tag(const char *name)
{
	for (size_t i = 0; i < array_size(tags); i++) {
		if (strncmp(name, tags[i].prefix, strlen(tags[i].prefix)) == 0)
			return &tags[i];
	}
	return NULL;
}

// Opens the device node for libblkid; NULL if that is not possible, which is no error: udev knows it, or nobody. A partition has
// identifiers of its own also where nothing is in it.
static blkid_probe open_probe(const struct host *host, const char *name, int *fd_ret, bool *is_ambivalent_ret)
{
	_cleanup_free_ char *path = NULL;
	_cleanup_error_ struct error *err = NULL;
	blkid_probe probe = blkid_new_probe();

	if (!probe || asprintf(&path, "/dev/%s", name) < 0) {
		path = NULL;
		blkid_free_probe(probe);
		return NULL;
	}
	err = host_open(host, path, O_RDONLY | O_NONBLOCK, 0, fd_ret);
	if (err || blkid_probe_set_device(probe, *fd_ret, 0, 0) < 0) {
		blkid_free_probe(probe);
		return NULL;
	}
	blkid_probe_enable_superblocks(probe, 1);
	blkid_probe_set_superblocks_flags(probe, BLKID_SUBLKS_UUID | BLKID_SUBLKS_LABEL | BLKID_SUBLKS_TYPE);
	blkid_probe_enable_partitions(probe, 1);
	blkid_probe_set_partitions_flags(probe, BLKID_PARTS_ENTRY_DETAILS);
	*is_ambivalent_ret = blkid_do_safeprobe(probe) == AMBIVALENT;
	return probe;
}

static void probe_freep(blkid_probe *probe)
{
	blkid_free_probe(*probe);
}

// Finds a tag by a look at every device but one, which may be NULL. For systems without udev, and before its links are there.
static struct error *scan_for_tag(const struct host *host, const struct tag *tag, const char *value, const char *except,
                                  char **name_ret)
{
	_cleanup_(host_names_freep) char **names = NULL;
	struct error *err = host_list(host, "/sys/class/block", &names);

	for (char **name = names; !err && *name; name++) {
		_cleanup_close_ int fd = -1;
		bool is_ambivalent = false, is_left_out = except && strcmp(*name, except) == 0;
		_cleanup_(probe_freep) blkid_probe probe =
			is_left_out ? NULL : open_probe(host, *name, &fd, &is_ambivalent);
		const char *found = NULL;

		if (!probe || blkid_probe_lookup_value(probe, tag->blkid_name, &found, NULL) < 0 ||
		    strcasecmp(found, value) != 0)
			continue;
		*name_ret = strdup(*name);
		return *name_ret ? NULL : error_new(ERROR_NOMEM, "no memory for a device");
	}
	return err;
}

// udev writes all but a few characters of a label as \xHH (util-linux, lib/mangle.c and libblkid's encode.c).
static struct error *tag_link(const struct tag *tag, const char *value, char **ret)
{
	_cleanup_text_ struct text path = {0};

	text_add(&path, "%s/", tag->dir);
	for (const unsigned char *at = (const unsigned char *)value; *at; at++) {
		bool is_plain = *at >= 0x80 || strchr("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
		                                      "#+-.:=@_",
		                                      *at);

		text_add(&path, is_plain ? "%c" : "\\x%02x", *at);
	}
	return text_take(&path, ret);
}

static struct error *missing_tag(const struct host *host, const struct tag *tag, const char *name)
{
	_cleanup_(host_names_freep) char **names = NULL;
	_cleanup_text_ struct text known = {0};
	_cleanup_error_ struct error *ignored = host_list(host, tag->dir, &names);
	size_t count = 0;

	for (; !ignored && names[count]; count++) {
		if (count < LISTED_MAX)
			text_add(&known, "%s%s%s", count ? ", " : "", tag->prefix, names[count]);
	}
	return error_new(ERROR_CONFIG, "no device has %s now; there %s%s%s%s", name,
	                 count ? "are " : "is none with this kind of name", known.buf ? known.buf : "",
	                 count > LISTED_MAX ? " …" : "",
	                 strchr(name, ',') ? "; several are separated by blanks, not by commas" : "");
}

static struct error *by_tag(const struct host *host, const struct tag *tag, const char *name, struct device *ret)
{
	const char *value = name + strlen(tag->prefix);
	_cleanup_free_ char *path = NULL, *link = NULL, *found = NULL;
	struct error *err = *value ? tag_link(tag, value, &path) : error_new(ERROR_CONFIG, "%s names nothing", name);

	if (err)
		return err;
	err = host_readlink(host, path, &link);
	if (!err)
		return error_wrap(by_kernel_name(host, base_name(link), ret), "%s", name);
	if (!error_catch(&err, ERROR_OS))
		return err;
	err = scan_for_tag(host, tag, value, NULL, &found);
	if (err)
		return err;
	return found ? by_kernel_name(host, found, ret) : missing_tag(host, tag, name);
}

// "/dev/vda1", or a link to it such as "/dev/disk/by-path/…" and "/dev/mapper/…".
static struct error *by_path(const struct host *host, const char *path, struct device *ret)
{
	_cleanup_free_ char *link = NULL;
	struct error *err = host_readlink(host, path, &link);
	const char *name = link ? base_name(link) : path + strlen("/dev/");

	if (err && !error_catch(&err, ERROR_OS))
		return err;
	err = by_kernel_name(host, name, ret);
	if (error_catch_os(&err, ENOENT))
		return error_new(ERROR_CONFIG, "there is no block device %s now", path);
	return err;
}

struct error *device_by_name(const struct host *host, const char *name, struct device *ret)
{
	const struct tag *tag = find_tag(name);

	if (tag)
		return by_tag(host, tag, name, ret);
	if (strncmp(name, "/dev/", 5) == 0)
		return by_path(host, name, ret);
	if (strchr(name, '@'))
		return error_new(ERROR_CONFIG, "it is no device and no URL that is understood");
	return error_new(ERROR_CONFIG,
	                 "\"%s\" is no device, allowed is UUID=…, LABEL=…, PARTUUID=…, PARTLABEL=… or /dev/…", name);
}

struct error *device_other(const struct host *host, const struct device *device, const char *name, char **ret)
{
	const struct tag *tag = find_tag(name);

	*ret = NULL;
	return tag ? scan_for_tag(host, tag, name + strlen(tag->prefix), device->name, ret) : NULL;
}

static struct error *uuid_from_links(const struct host *host, const struct device *device, const char *dir,
                                     char **uuid_ret)
{
	_cleanup_(host_names_freep) char **names = NULL;
	struct error *err = host_list(host, dir, &names);

	for (char **name = names; !err && *name; name++) {
		_cleanup_free_ char *path = NULL, *link = NULL;
		_cleanup_error_ struct error *ignored = NULL;

		if (asprintf(&path, "%s/%s", dir, *name) < 0) {
			path = NULL;
			return error_new(ERROR_NOMEM, "no memory for a path");
		}
		ignored = host_readlink(host, path, &link);
		if (ignored || strcmp(base_name(link), device->name) != 0)
			continue;
		*uuid_ret = strdup(*name);
		return *uuid_ret ? NULL : error_new(ERROR_NOMEM, "no memory for a UUID");
	}
	return err;
}

static char *probe_value(blkid_probe probe, const char *name)
{
	const char *value = NULL;

	return blkid_probe_lookup_value(probe, name, &value, NULL) == 0 && value ? strdup(value) : NULL;
}

// For a person; NULL: nothing that is known, or no memory to say so.
static char *describe(blkid_probe probe, bool is_ambivalent)
{
	_cleanup_free_ char *table = probe_value(probe, "PTTYPE");
	char *text = is_ambivalent ? strdup("several formats at once") : probe_value(probe, "TYPE");

	if (!text && table && asprintf(&text, "a partition table (%s)", table) < 0)
		return NULL;
	return text;
}

struct error *device_probe(const struct host *host, const struct device *device, struct device_content *ret)
{
	_cleanup_device_content_ struct device_content content = {0};
	_cleanup_close_ int fd = -1;
	bool is_ambivalent = false;
	_cleanup_(probe_freep) blkid_probe probe = open_probe(host, device->name, &fd, &is_ambivalent);
	struct error *err = NULL;

	if (probe) {
		content.uuid = probe_value(probe, "UUID");
		content.fstype = probe_value(probe, "TYPE");
		content.partuuid = probe_value(probe, "PART_ENTRY_UUID");
		content.holds = describe(probe, is_ambivalent);
	}
	if (!content.uuid)
		err = uuid_from_links(host, device, "/dev/disk/by-uuid", &content.uuid);
	if (!err && !content.partuuid)
		err = uuid_from_links(host, device, "/dev/disk/by-partuuid", &content.partuuid);
	if (err)
		return err;
	*ret = content;
	content = (struct device_content){0};
	return NULL;
}

char *device_attribute(const struct host *host, const struct device *device, const char *name)
{
	_cleanup_free_ char *path = NULL;
	_cleanup_error_ struct error *err = NULL;
	char *text = NULL;

	if (asprintf(&path, "%s/%s", device->sysfs, name) < 0) {
		path = NULL;
		return NULL;
	}
	err = host_read(host, path, ATTRIBUTE_MAX_BYTES, &text, NULL);
	if (text)
		text[strcspn(text, "\n")] = '\0';
	return err ? NULL : text;
}
