// SPDX-License-Identifier: GPL-2.0-or-later
#include "boot/destination.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "boot/mounts.h"
#include "boot/plan.h"
#include "boot/remote.h"

// Before the name of a partition that holds no file system.
static const char raw_prefix[] = "raw:";

void destination_deinit(struct destination *destination)
{
	device_deinit(&destination->device);
	words_deinit(&destination->files);
	free(destination->address);
	if (destination->secret)
		explicit_bzero(destination->secret, strlen(destination->secret));
	free(destination->secret);
	stack_deinit(&destination->stack);
	free(destination->tag);
	free(destination->tag_reason);
	free(destination->fstype);
	free(destination->options);
	free(destination->options_reason);
	free(destination->directory);
	free(destination->directory_reason);
	*destination = (struct destination){0};
}

static struct error *no_memory(void)
{
	return error_new(ERROR_NOMEM, "no memory for the place of the dump");
}

// Prefixes an error with the line of the configuration that asked for it.
static struct error *at_key(struct error *err, const struct config *config, enum config_key key)
{
	return error_wrap(err, "%s: %s", config_where(config, key), config_key_info(key)->name);
}

// The directory of a path or of a file:// URL.
static struct error *parse_savedir(const struct config *config, const char **dir_ret)
{
	const char *savedir = config_text(config, KEY_SAVEDIR);
	bool has_secret;

	if (strncasecmp(savedir, "file://", 7) == 0)
		savedir += 7;
	// Perhaps a URL with a slip, and a password.
	has_secret = strchr(savedir, '@');
	if (*savedir != '/')
		return error_new(ERROR_CONFIG, "%s%s%s is wrong, allowed is an absolute directory or a URL",
		                 has_secret ? "" : "\"", has_secret ? "what it says" : savedir, has_secret ? "" : "\"");
	*dir_ret = savedir;
	return NULL;
}

static struct error *check_fstype(const char *fstype, const char *subject)
{
	static const char *const known[] = {"ext2", "ext3", "ext4", "xfs", "btrfs", "vfat"};
	static const struct {
		const char *fstype;
		const char *why;
	} members[] = {
		{"LVM2_member", "a physical volume of LVM"},
		{"crypto_LUKS", "an encrypted volume (LUKS)"},
		{"linux_raid_member", "a member of a RAID array (md)"},
		{"isw_raid_member", "a member of a RAID array"},
		{"ddf_raid_member", "a member of a RAID array"},
		{"mpath_member", "a path of a multipath disk"},
	};

	for (size_t i = 0; i < array_size(known); i++) {
		if (strcmp(known[i], fstype) == 0)
			return NULL;
	}
	for (size_t i = 0; i < array_size(members); i++) {
		if (strcmp(members[i].fstype, fstype) == 0)
			return error_new(ERROR_CONFIG,
			                 "%s is %s and holds no file system itself: name what is on top of it", subject,
			                 members[i].why);
	}
	return error_new(ERROR_UNSUPPORTED,
	                 "%s holds the file system %s, which is not supported; supported are ext2, ext3, ext4, xfs, "
	                 "btrfs and vfat",
	                 subject, fstype);
}

// Checks the device and fills tag and fstype. fstype may be known from the mount.
static struct error *name_device(const struct host *host, const char *mounted_fstype, struct destination *place)
{
	_cleanup_device_content_ struct device_content content = {0};
	_cleanup_free_ char *subject = NULL;
	struct error *err;

	if (asprintf(&subject, "/dev/%s", place->device.name) < 0) {
		subject = NULL;
		return no_memory();
	}
	err = stack_add(host, &place->device, &place->stack);
	if (!err)
		err = device_probe(host, &place->device, &content);
	if (err)
		return err;
	place->fstype = mounted_fstype ? strdup(mounted_fstype) : take_ptr(content.fstype);
	if (!place->fstype)
		return error_new(ERROR_CONFIG, "%s holds no file system that is known", subject);
	err = check_fstype(place->fstype, subject);
	if (!err && !content.uuid)
		err = error_new(ERROR_CONFIG, "the file system on %s has no UUID, it would not be found after a crash",
		                subject);
	if (!err && strcmp(place->fstype, "btrfs") == 0)
		err = stack_add_btrfs(host, content.uuid, subject, &place->stack);
	if (!err && asprintf(&place->tag, "UUID=%s", content.uuid) < 0) {
		place->tag = NULL;
		err = no_memory();
	}
	return err;
}

// Length of a text without the blanks at its end.
static size_t trimmed(const char *text, size_t size)
{
	while (size && (text[size - 1] == ' ' || text[size - 1] == '\t'))
		size--;
	return size;
}

struct error *destination_names(const struct config *config, struct words *ret)
{
	static const char *const starts[] = {"UUID=", "LABEL=", "PARTUUID=", "PARTLABEL=", "/dev/", raw_prefix};
	const char *name = config_text(config, KEY_TARGET);

	name += strspn(name, " \t");
	for (const char *at = strpbrk(name, " \t"); at; at = strpbrk(at + 1, " \t")) {
		for (size_t i = 0; i < array_size(starts); i++) {
			if (strncmp(at + 1, starts[i], strlen(starts[i])) != 0)
				continue;
			words_addf(ret, "%.*s", (int)trimmed(name, (size_t)(at - name)), name);
			name = at + 1;
			break;
		}
	}
	words_addf(ret, "%.*s", (int)trimmed(name, strlen(name)), name);
	return words_check(ret);
}

bool destination_is_raw(const char *word)
{
	return strncmp(word, raw_prefix, strlen(raw_prefix)) == 0;
}

struct error *destination_savedir(const struct config *config, const char **ret)
{
	struct error *err = NULL;

	if (remote_is_url(config_text(config, KEY_SAVEDIR)))
		*ret = config_key_info(KEY_SAVEDIR)->default_text;
	else
		err = parse_savedir(config, ret);
	return err ? at_key(err, config, KEY_SAVEDIR) : NULL;
}

// What would be lost, or is in the way, if a dump were written over the whole partition; NULL: nothing.
static struct error *refuse_used(const struct host *host, const struct device *device,
                                 const struct device_content *content)
{
	_cleanup_mount_ struct mount mount = {0};
	_cleanup_(host_names_freep) char **holders = NULL;
	_cleanup_free_ char *path = NULL;
	struct error *err = mounts_find_device(host, device->number, device->name, NULL, &mount);

	if (!err && mount.point)
		return error_new(ERROR_CONFIG,
		                 "/dev/%s is mounted at %s; a raw dump needs a partition that holds nothing",
		                 device->name, mount.point);
	if (!err && asprintf(&path, "%s/holders", device->sysfs) < 0) {
		path = NULL;
		err = no_memory();
	}
	if (!err)
		err = host_list(host, path, &holders);
	if (err)
		return err;
	if (*holders)
		return error_new(ERROR_CONFIG, "/dev/%s is in use: %s stands on it; a raw dump needs another partition",
		                 device->name, *holders);
	if (content->holds || content->uuid)
		return error_new(ERROR_CONFIG,
		                 "/dev/%s holds %s, which a raw dump would overwrite; name another partition, or, if "
		                 "nothing of it is needed, run: wipefs -a /dev/%s",
		                 device->name, content->holds ? content->holds : "a file system", device->name);
	return NULL;
}

// After a crash nothing tells the one that may be overwritten from a copy of it that may not.
static struct error *refuse_twin(const struct host *host, const struct destination *place)
{
	_cleanup_free_ char *other = NULL;
	struct error *err = device_other(host, &place->device, place->tag, &other);

	if (!err && other)
		err = error_new(
			ERROR_CONFIG,
			"/dev/%s and /dev/%s are both %s, one of two disks is a copy of the other: give one of the "
			"partitions another name with \"sgdisk --partition-guid=NUMBER:R DISK\", or take a disk away",
			place->device.name, other, place->tag);
	return err;
}

// A partition by its own name: nothing that a dump writes there changes it.
static struct error *name_partition(const struct host *host, struct destination *place)
{
	_cleanup_device_content_ struct device_content content = {0};
	struct error *err = stack_add(host, &place->device, &place->stack);

	if (!err && place->stack.reasons.count)
		err = error_new(ERROR_UNSUPPORTED, "%s; a raw dump needs a partition of a plain disk",
		                place->stack.reasons.list[0]);
	if (!err)
		err = device_probe(host, &place->device, &content);
	if (!err && !content.partuuid)
		err = error_new(ERROR_CONFIG,
		                "/dev/%s is no partition with a PARTUUID, as a raw dump needs: on a whole disk without "
		                "a partition table nothing would tell which one it is after a crash",
		                place->device.name);
	if (!err)
		err = refuse_used(host, &place->device, &content);
	if (!err && asprintf(&place->tag, "PARTUUID=%s", content.partuuid) < 0) {
		place->tag = NULL;
		err = no_memory();
	}
	return err ? err : refuse_twin(host, place);
}

static struct error *from_partition(const struct host *host, const struct config *config, enum config_key key,
                                    const char *target, struct destination *place)
{
	const char *savedir = NULL, *device = target + strlen(raw_prefix);
	struct error *err = destination_savedir(config, &savedir);

	if (!err && (strncmp(device, "UUID=", 5) == 0 || strncmp(device, "LABEL=", 6) == 0))
		err = error_new(ERROR_CONFIG,
		                "%s is the name of a file system, and a partition for raw dumps holds none: name it by "
		                "PARTUUID=, which blkid(8) tells",
		                device);
	if (!err)
		err = device_by_name(host, device, &place->device);
	if (!err)
		err = name_partition(host, place);
	if (err)
		return err;
	place->fstype = strdup(PLAN_RAW);
	place->options = strdup("");
	place->directory = strdup("/");
	if (!place->fstype || !place->options || !place->directory ||
	    asprintf(&place->tag_reason, "%s: %s=\"%s\", /dev/%s now, which holds nothing that is known",
	             config_where(config, key), config_key_info(key)->name, target, place->device.name) < 0)
		return no_memory();
	if (asprintf(&place->directory_reason, "%s: KDUMP_SAVEDIR: kdumpctl start puts it into %s",
	             config_where(config, KEY_SAVEDIR), savedir) < 0)
		return no_memory();
	return NULL;
}

static struct error *from_target(const struct host *host, const struct config *config, enum config_key key,
                                 const char *target, const char *dir, struct destination *place)
{
	_cleanup_mount_ struct mount mount = {0};
	const char *name = config_key_info(key)->name;
	struct error *err;

	if (destination_is_raw(target))
		return from_partition(host, config, key, target, place);
	err = device_by_name(host, target, &place->device);
	if (!err)
		err = mounts_find_device(host, place->device.number, place->device.name, NULL, &mount);
	if (!err)
		err = name_device(host, mount.fstype, place);
	if (err)
		return err;
	place->options = strdup("");
	place->directory = strdup(dir);
	if (!place->options || !place->directory ||
	    asprintf(&place->tag_reason, "%s: %s=\"%s\", /dev/%s now", config_where(config, key), name, target,
	             place->device.name) < 0)
		return no_memory();
	if (asprintf(&place->directory_reason, "%s: KDUMP_SAVEDIR, on the file system of %s",
	             config_where(config, KEY_SAVEDIR), name) < 0)
		return no_memory();
	return NULL;
}

// btrfs names the mounted subvolume in its options; what is mounted may be a directory in it.
static char *find_subvolume(const struct mount *mount)
{
	const char *at = strcmp(mount->fstype, "btrfs") == 0 ? mount->options : "";

	for (; *at; at += strcspn(at, ","), at += *at == ',') {
		if (strncmp(at, "subvol=", 7) == 0)
			return strndup(at + 7, strcspn(at + 7, ","));
	}
	return NULL;
}

// From a path of the running system to a directory of the file system.
static struct error *place_directory(const struct mount *mount, const char *path, struct destination *place)
{
	_cleanup_free_ char *subvolume = find_subvolume(mount);
	const char *root = subvolume ? mounts_below(mount->root, subvolume) : mount->root;
	const char *rest = mounts_below(path, mount->point);
	int size;

	if (!root)
		root = mount->root;
	if (strcmp(root, "/") == 0)
		root = "";
	size = asprintf(&place->directory, "%s%s", root, *rest || *root ? rest : "/");
	if (size < 0)
		return no_memory();
	if (subvolume && strcmp(subvolume, "/") != 0) {
		if (asprintf(&place->options, "subvol=%s", subvolume) < 0 ||
		    asprintf(&place->options_reason, "the subvolume that is mounted at %s", mount->point) < 0)
			return no_memory();
		return NULL;
	}
	place->options = strdup("");
	return place->options ? NULL : no_memory();
}

static struct error *mounted_device(const struct host *host, const struct mount *mount, struct device *ret)
{
	if (strncmp(mount->number, "0:", 2) != 0)
		return device_by_number(host, mount->number, ret);
	if (strncmp(mount->source, "/dev/", 5) == 0)
		return device_by_name(host, mount->source, ret);
	// On a server, perhaps.
	*ret = (struct device){0};
	return NULL;
}

static struct error *explain_mounted(const struct config *config, enum config_key key, const struct mount *mount,
                                     const char *path, struct destination *place)
{
	const char *where = config_where(config, key), *name = config_key_info(key)->name;

	if (asprintf(&place->tag_reason, "%s: %s lies on what is mounted at %s, /dev/%s now", where, name, mount->point,
	             place->device.name) < 0 ||
	    asprintf(&place->directory_reason, "%s: %s, which is %s, seen from the root of %s", where, name, path,
	             place->options_reason ? "the subvolume" : "its file system") < 0)
		return no_memory();
	return NULL;
}

static struct error *from_directory(const struct host *host, const struct config *config, enum config_key key,
                                    const char *dir, struct destination *place)
{
	_cleanup_mount_ struct mount mount = {0};
	_cleanup_free_ char *path = NULL;
	struct error *err = mounts_resolve(host, dir, &path);

	if (!err)
		err = mounts_find_path(host, path, &mount);
	if (!err)
		err = mounted_device(host, &mount, &place->device);
	if (!err && !place->device.name)
		return remote_from_mount(config, key, &mount, path, place);
	if (!err)
		err = name_device(host, mount.fstype, place);
	if (!err)
		err = place_directory(&mount, path, place);
	return err ? err : explain_mounted(config, key, &mount, path, place);
}

// What asked for it.
static struct error *add_line(const struct config *config, enum config_key key, struct words *reasons)
{
	_cleanup_words_ struct words words = {0};
	struct error *err;

	for (size_t i = 0; i < reasons->count; i++)
		words_addf(&words, "%s: %s: %s", config_where(config, key), config_key_info(key)->name,
		           reasons->list[i]);
	err = words_check(&words);
	if (err)
		return err;
	words_deinit(reasons);
	*reasons = words;
	words = (struct words){0};
	return NULL;
}

// The place, or what was made of it after an error.
static struct error *hand_over(struct error *err, const struct config *config, enum config_key key,
                               struct destination *place, struct destination *ret)
{
	if (err)
		return at_key(err, config, key);
	err = add_line(config, key, &place->stack.reasons);
	if (!err)
		err = add_line(config, key, &place->stack.sessions.reasons);
	if (!err)
		err = add_line(config, key, &place->stack.volumes.reasons);
	if (err)
		return err;
	*ret = *place;
	*place = (struct destination){0};
	return NULL;
}

struct error *destination_find(const struct host *host, const struct config *config, struct destination *ret)
{
	_cleanup_destination_ struct destination place = {0};
	const char *savedir = config_text(config, KEY_SAVEDIR), *dir = NULL;
	_cleanup_words_ struct words names = {0};
	struct error *err = destination_names(config, &names);

	if (err)
		return err;
	if (remote_is_url(savedir)) {
		err = *names.list[0]
		              ? error_new(ERROR_CONFIG, "a URL has no place on a disk; leave KDUMP_TARGET (%s) empty",
		                          config_where(config, KEY_TARGET))
		              : remote_find(host, config, KEY_SAVEDIR, savedir, &place);
		return hand_over(err, config, KEY_SAVEDIR, &place, ret);
	}
	err = parse_savedir(config, &dir);
	if (err)
		return at_key(err, config, KEY_SAVEDIR);
	if (!*names.list[0])
		return hand_over(from_directory(host, config, KEY_SAVEDIR, dir, &place), config, KEY_SAVEDIR, &place,
		                 ret);
	return hand_over(from_target(host, config, KEY_TARGET, names.list[0], dir, &place), config, KEY_TARGET, &place,
	                 ret);
}

struct error *destination_find_next(const struct host *host, const struct config *config, enum config_key key,
                                    const char *word, struct destination *ret)
{
	_cleanup_destination_ struct destination place = {0};
	bool is_device = *word != '/' || strncmp(word, "/dev/", 5) == 0;
	const char *dir = "/";
	struct error *err = NULL;

	if (remote_is_url(word))
		return hand_over(remote_find(host, config, key, word, &place), config, key, &place, ret);
	// A device has the directory that KDUMP_SAVEDIR names; where that is a URL, its root.
	if (is_device && !remote_is_url(config_text(config, KEY_SAVEDIR)))
		err = parse_savedir(config, &dir);
	if (err)
		return at_key(err, config, KEY_SAVEDIR);
	err = is_device ? from_target(host, config, key, word, dir, &place)
	                : from_directory(host, config, key, word, &place);
	return hand_over(err, config, key, &place, ret);
}
