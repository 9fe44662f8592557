// SPDX-License-Identifier: GPL-2.0-or-later
// systemd-boot: entries on the EFI system partition or an XBOOTLDR one. A unified kernel image has its command line inside, perhaps
// signed; an add-on beside it may bring more (systemd-stub(7)). Both are told of, and not changed.
#include "boot/bootloader.h"

#include <stdio.h>
#include <string.h>

#include "boot/blsentry.h"
#include "boot/text.h"

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

static struct error *note_images(const struct host *host, const char *mount, struct bootloader_task *task,
                                 size_t *count)
{
	_cleanup_(host_names_freep) char **names = NULL;
	char directory[64];
	struct error *err;

	snprintf(directory, sizeof(directory), "%s/EFI/Linux", mount);
	err = host_list(host, directory, &names);
	for (char **name = names; !err && *name; name++) {
		const char *dot = strrchr(*name, '.');

		if (!dot || strcmp(dot, ".efi") != 0)
			continue;
		(*count)++;
		words_addf(&task->notes,
		           "%s/%s is a unified kernel image, whose command line is not changed here: make it anew "
		           "(kernel-install "
		           "takes " BLSENTRY_CMDLINE
		           "), or put an add-on with the parameters into %s/%s.extra.d (ukify(1))",
		           directory, *name, directory, *name);
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

static struct error *plan(const struct host *host, struct bootloader_task *task)
{
	_cleanup_free_ char *standard = NULL;
	_cleanup_words_ struct words places = {0};
	struct error *err = read_default(host, &standard);
	size_t images = 0;

	if (!err)
		err = list_places(host, &places);
	for (size_t i = 0; i < array_size(mounts) && !err; i++)
		err = note_images(host, mounts[i], task, &images);
	if (err)
		return err;
	if (places.count)
		err = blsentry_plan(host, (const char *const *)places.list, standard, task);
	else
		err = error_new(ERROR_UNSUPPORTED,
		                "systemd-boot is there, but no entry is found in loader/entries of /efi, "
		                "/boot/efi or /boot: is the partition mounted?");
	// Kernels are there, but not as entries.
	if (!err || err->code != ERROR_UNSUPPORTED || !images || strcmp(task->kernel, BOOTLOADER_ALL) != 0)
		return err;
	error_free(err);
	return error_new(ERROR_UNSUPPORTED, "%s", task->notes.count ? task->notes.list[0] : "no memory for a note");
}

const struct bootloader bootloader_systemd = {
	.name = "systemd-boot",
	.is_there = is_there,
	.view = view,
	.plan = plan,
};
