// SPDX-License-Identifier: GPL-2.0-or-later
#include "cmd/ctl_setup_places.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/statvfs.h>

#include "base/cleanup.h"
#include "boot/destination.h"
#include "boot/mounts.h"
#include "cmd/ctl_settings.h"

struct search {
	const struct ctl *ctl;
	struct ctl_setup_places *places;
};

static void place_deinit(struct ctl_setup_place *place)
{
	free(place->directory);
	free(place->device);
	free(place->fstype);
	free(place->number);
}

// Only what a plan can be made for is proposed: neither what is encrypted nor what is on a server without a key.
static bool is_fit(const struct ctl *ctl, const char *directory)
{
	struct ctl_settings settings = {.values = {[KEY_TARGET] = "", [KEY_SAVEDIR] = directory}};
	_cleanup_destination_ struct destination destination = {0};
	_cleanup_config_ struct config config = {0};
	_cleanup_error_ struct error *err = ctl_settings_preview(ctl, &settings, &config);

	if (!err)
		err = destination_find(&ctl->host, &config, &destination);
	return !err && !destination.address;
}

static bool measure(const struct host *host, const char *point, struct ctl_setup_place *place)
{
	_cleanup_close_ int fd = -1;
	_cleanup_error_ struct error *err = host_open(host, point, O_RDONLY | O_DIRECTORY, 0, &fd);
	struct statvfs info;

	if (err || fstatvfs(fd, &info) < 0)
		return false;
	place->free_bytes = (uint64_t)info.f_bavail * info.f_frsize;
	place->size_bytes = (uint64_t)info.f_blocks * info.f_frsize;
	return true;
}

static struct error *visit(const struct mount *mount, void *context)
{
	static const char *const fstypes[] = {"ext2", "ext3", "ext4", "xfs", "btrfs"};
	struct search *search = context;
	struct ctl_setup_places *places = search->places;
	// A file system of its own is for dumps as a whole; the root's has a directory for them.
	const char *directory = strcmp(mount->point, "/") == 0 ? "/var/crash" : mount->point;
	struct ctl_setup_place place = {.directory = strdup(directory),
	                                .device = strdup(mount->source),
	                                .fstype = strdup(mount->fstype),
	                                .number = strdup(mount->number)};
	struct ctl_setup_place *grown = NULL;
	bool is_wanted = false;

	if (!place.directory || !place.device || !place.fstype || !place.number) {
		place_deinit(&place);
		return error_new(ERROR_NOMEM, "no memory for the places of dumps");
	}
	for (size_t i = 0; i < array_size(fstypes); i++)
		is_wanted |= strcmp(fstypes[i], mount->fstype) == 0;
	for (size_t i = 0; i < places->count; i++)
		is_wanted &= strcmp(places->list[i].number, mount->number) != 0;
	// Programs are updated there, and an EFI system partition is small.
	is_wanted &= strncmp(mount->point, "/boot", strlen("/boot")) != 0 && !strstr(mount->options, "ro,") &&
	             strcmp(mount->options, "ro") != 0;
	is_wanted = is_wanted && measure(&search->ctl->host, mount->point, &place) && is_fit(search->ctl, directory);
	if (is_wanted)
		grown = reallocarray(places->list, places->count + 1, sizeof(*grown));
	if (!grown) {
		place_deinit(&place);
		return is_wanted ? error_new(ERROR_NOMEM, "no memory for the places of dumps") : NULL;
	}
	places->list = grown;
	places->list[places->count++] = place;
	return NULL;
}

struct error *ctl_setup_places_find(const struct ctl *ctl, struct ctl_setup_places *ret)
{
	struct search search = {.ctl = ctl, .places = ret};

	return mounts_walk(&ctl->host, visit, &search);
}

size_t ctl_setup_places_best(const struct ctl_setup_places *places)
{
	size_t best = 0;

	for (size_t i = 1; i < places->count; i++)
		if (places->list[i].free_bytes > places->list[best].free_bytes)
			best = i;
	return best;
}

void ctl_setup_places_deinit(struct ctl_setup_places *places)
{
	for (size_t i = 0; i < places->count; i++)
		place_deinit(&places->list[i]);
	free(places->list);
	*places = (struct ctl_setup_places){0};
}
