// SPDX-License-Identifier: GPL-2.0-or-later
// systemd-boot: entries on the EFI system partition or an XBOOTLDR one; and unified kernel images there, which it starts as the
// firmware itself does.
#include "boot/bootloader.h"

#include <stdio.h>
#include <string.h>

#include "boot/blsentry.h"
#include "boot/text.h"
#include "boot/unified.h"

// Written by what started the kernel; UTF-16, after four bytes of attributes.
#define LOADER_INFO "/sys/firmware/efi/efivars/LoaderInfo-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f"

enum { LOADER_INFO_BYTES = 4096, CONFIGURATION_BYTES = 64 * 1024 };

// Where partitions are mounted that the loader reads, by systemd's own order (bootctl(1)); /boot for XBOOTLDR.
static const char *const mounts[] = {"/efi", "/boot/efi", "/boot"};

static bool is_systemd_info(const char *info, size_t size_bytes)
{
	static const char wanted[] = "systemd-boot";

	for (size_t i = 0; i < strlen(wanted); i++)
		if (4 + 2 * i >= size_bytes || info[4 + 2 * i] != wanted[i])
			return false;
	return true;
}

static bool has_loader_binary(const struct host *host)
{
	static const char *const names[] = {"systemd-bootx64.efi", "systemd-bootaa64.efi", "systemd-bootia32.efi",
	                                    "systemd-bootriscv64.efi"};
	char path[128];

	for (size_t i = 0; i < array_size(mounts); i++) {
		for (size_t j = 0; j < array_size(names); j++) {
			snprintf(path, sizeof(path), "%s/EFI/systemd/%s", mounts[i], names[j]);
			if (host_exists(host, path))
				return true;
		}
	}
	return false;
}

// What started this system counts; where that is not known, what is installed and not beside GRUB's configuration.
static bool is_there(const struct host *host)
{
	_cleanup_free_ char *info = NULL;
	size_t size_bytes = 0;
	_cleanup_error_ struct error *err = host_read(host, LOADER_INFO, LOADER_INFO_BYTES, &info, &size_bytes);

	if (!err)
		return is_systemd_info(info, size_bytes);
	if (unified_is_started(host))
		return true;
	return has_loader_binary(host) && !host_exists(host, "/etc/default/grub");
}

static struct error *entries_of(const char *mount, char **ret)
{
	if (asprintf(ret, "%s/loader/entries", mount) >= 0)
		return NULL;
	*ret = NULL;
	return error_new(ERROR_NOMEM, "no memory for a path");
}

static struct error *view(const struct host *host, const char *const *names, struct bootloader_view *view)
{
	struct error *err = NULL;

	for (size_t i = 0; i < array_size(mounts) && !err; i++) {
		_cleanup_free_ char *directory = NULL;

		err = entries_of(mounts[i], &directory);
		if (!err)
			err = blsentry_view(host, directory, names, view);
		if (!err)
			err = unified_view(host, mounts[i], names, view);
	}
	return err;
}

// "default" in loader.conf is a pattern.
static struct error *read_default(const struct host *host, char **ret)
{
	struct error *err = NULL;

	*ret = NULL;
	for (size_t i = 0; i < array_size(mounts) && !err && !*ret; i++) {
		_cleanup_free_ char *text = NULL;
		char path[64];

		snprintf(path, sizeof(path), "%s/loader/loader.conf", mounts[i]);
		if (!host_exists(host, path))
			continue;
		err = host_read(host, path, CONFIGURATION_BYTES, &text, NULL);
		if (!err)
			err = blsentry_value(text, "default", ret);
	}
	return err;
}

// Entries may be on both partitions: memory tests on the one of the firmware, kernels on the other.
static struct error *list_places(const struct host *host, struct words *ret)
{
	struct error *err = NULL;

	for (size_t i = 0; i < array_size(mounts) && !err; i++) {
		_cleanup_free_ char *directory = NULL;

		err = entries_of(mounts[i], &directory);
		if (!err && blsentry_is_there(host, directory))
			words_add(ret, directory);
	}
	return err ? err : words_check(ret);
}

// Where nothing is found that could be changed.
static struct error *nothing_there(const struct bootloader_task *task, size_t images)
{
	if (images)
		return error_new(ERROR_UNSUPPORTED,
		                 "no unified kernel image in EFI/Linux is %s; --kernel=ALL is for all of them",
		                 task->kernel);
	if (task->notes.count)
		return error_new(ERROR_UNSUPPORTED, "%s", task->notes.list[0]);
	return error_new(ERROR_UNSUPPORTED,
	                 "systemd-boot is there, but neither an entry in loader/entries nor a unified kernel image in "
	                 "EFI/Linux is found in /efi, /boot/efi or /boot: is the partition mounted?");
}

static struct error *plan(const struct host *host, struct bootloader_task *task)
{
	_cleanup_free_ char *standard = NULL;
	_cleanup_words_ struct words places = {0};
	struct error *err = read_default(host, &standard);
	size_t images = 0, asked = 0;

	if (!err)
		err = list_places(host, &places);
	for (size_t i = 0; i < array_size(mounts) && !err; i++)
		err = unified_plan(host, mounts[i], task, &images, &asked);
	if (err)
		return err;
	if (!places.count)
		return asked ? blsentry_plan_cmdline(host, task) : nothing_there(task, images);
	err = blsentry_plan(host, (const char *const *)places.list, standard, task);
	if (!err || err->code != ERROR_UNSUPPORTED || !asked)
		return err;
	// What is meant is an image, not an entry.
	error_free(err);
	return blsentry_plan_cmdline(host, task);
}

// What the add-on has is read back: each image has what was to come, and nothing of what was to go.
static struct error *check(const struct host *host, const struct bootloader_task *task)
{
	struct bootloader_task again = {.change = task->change, .kernel = task->kernel};
	struct error *err = plan(host, &again);

	if (!err && again.commands.count)
		err = error_new(ERROR_OS, "what was run has succeeded, but the add-on has not what was asked for");
	bootloader_task_deinit(&again);
	return err;
}

const struct bootloader bootloader_systemd = {
	.name = "systemd-boot",
	.is_there = is_there,
	.view = view,
	.plan = plan,
	.check = check,
};
