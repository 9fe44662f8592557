// SPDX-License-Identifier: GPL-2.0-or-later
#include "cmd/ctl_place.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "boot/mounts.h"
#include "boot/plan.h"
#include "capture/target.h"

#define OWN_MOUNT "/run/kdump-target"

static struct error *no_memory(void)
{
	return error_new(ERROR_NOMEM, "no memory for a path");
}

// The directory as the running system sees it; NULL if no mount shows it.
static struct error *mounted_path(const struct host *host, const struct destination *target, char **ret)
{
	_cleanup_mount_ struct mount mount = {0};
	_cleanup_free_ char *whole = NULL;
	const char *subvolume = strstr(target->options, "subvol="), *below;
	struct error *err;

	*ret = NULL;
	subvolume = subvolume ? subvolume + strlen("subvol=") : "";
	if (asprintf(&whole, "%s%.*s%s", *subvolume && *subvolume != '/' ? "/" : "", (int)strcspn(subvolume, ","),
	             subvolume, target->directory) < 0) {
		whole = NULL;
		return no_memory();
	}
	err = mounts_find_device(host, target->device.number, target->device.name, whole, &mount);
	if (err || !mount.point)
		return err;
	below = strcmp(mount.root, "/") == 0 ? whole : mounts_below(whole, mount.root);
	if (below && asprintf(ret, "%s%s", strcmp(mount.point, "/") == 0 ? "" : mount.point, below) < 0)
		return no_memory();
	return NULL;
}

static bool is_running_system(const struct host *host)
{
	struct stat ours, running;

	return fstat(host->root_fd, &ours) == 0 && stat("/", &running) == 0 && ours.st_dev == running.st_dev &&
	       ours.st_ino == running.st_ino;
}

// In a namespace of our own, so that it ends with us.
static struct error *mount_own(const struct destination *target)
{
	_cleanup_free_ char *path = NULL;
	struct target_options options = {.flags = 0};
	struct error *err = target_options_parse(target->options, &options);

	if (!err && asprintf(&path, "/dev/%s", target->device.name) < 0)
		err = no_memory();
	if (!err && (unshare(CLONE_NEWNS) < 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	             (mkdir(OWN_MOUNT, 0700) < 0 && errno != EEXIST)))
		err = error_os(errno, "a name space of our own");
	if (!err && mount(path, OWN_MOUNT, target->fstype, options.flags | MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC,
	                  options.data) < 0)
		err = error_os(errno, "mount %s (%s)", path, target->fstype);
	free(options.data);
	return err;
}

static struct error *open_unmounted(const struct host *host, const struct destination *target, struct ctl_place *place)
{
	struct error *err;

	if (!is_running_system(host))
		return error_new(ERROR_UNSUPPORTED, "it is not mounted, and under --root nothing is");
	err = mount_own(target);
	if (err)
		return err;
	place->is_mounted = true;
	if (asprintf(&place->path, OWN_MOUNT "%s", target->directory) < 0) {
		place->path = NULL;
		return no_memory();
	}
	if (asprintf(&place->shown, "%s:%s", target->tag, target->directory) < 0) {
		place->shown = NULL;
		return no_memory();
	}
	place->fd = open(place->path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return place->fd < 0 && errno != ENOENT ? error_os(errno, "%s", place->path) : NULL;
}

// Where dumps of a raw partition are, now that they were taken from there.
static struct error *taken_path(const struct config *config, char **ret)
{
	const char *savedir = NULL;
	struct error *err = destination_savedir(config, &savedir);

	if (err)
		return err;
	*ret = strdup(savedir);
	return *ret ? NULL : no_memory();
}

struct error *ctl_place_open(const struct host *host, const struct config *config, const struct destination *target,
                             struct ctl_place *place)
{
	bool is_raw = strcmp(target->fstype, PLAN_RAW) == 0;
	struct error *err = is_raw ? taken_path(config, &place->path) : mounted_path(host, target, &place->path);

	if (err)
		return err;
	if (!place->path)
		return open_unmounted(host, target, place);
	place->shown = strdup(place->path);
	if (!place->shown)
		return no_memory();
	err = host_open(host, place->path, O_RDONLY | O_DIRECTORY, 0, &place->fd);
	if (error_catch_os(&err, ENOENT))
		return NULL;
	return err;
}

void ctl_place_deinit(struct ctl_place *place)
{
	closep(&place->fd);
	free(place->path);
	free(place->shown);
	if (place->is_mounted)
		umount2(OWN_MOUNT, MNT_DETACH);
}
