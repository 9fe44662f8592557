// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/crypt.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/sysmacros.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/keyring.h"
#include "base/mapper.h"
#include "boot/crypt.h"
#include "boot/text.h"

enum { NAME_BYTES = 128 };

static const char configfs_dir[] = "/sys/kernel/config";

static void volume_name(const char *number, char name[NAME_BYTES])
{
	snprintf(name, NAME_BYTES, "kdump-crypt%s", number);
}

const char *crypt_find(const struct plan *plan, size_t number)
{
	for (char *const *row = plan->crypt_volumes; row && *row; row++) {
		char *end;

		if (strtoull(*row, &end, 10) == number && *end == ' ')
			return *row;
	}
	return NULL;
}

bool crypt_is_open(const struct host *host, size_t number)
{
	char name[NAME_BYTES], text[24];
	_cleanup_close_ int fd = -1;
	_cleanup_error_ struct error *err = host_open(host, MAPPER_CONTROL, O_RDWR, 0, &fd);

	snprintf(text, sizeof(text), "%zu", number);
	volume_name(text, name);
	return !err && mapper_exists(fd, name);
}

struct error *crypt_parameters(const struct words *volume, const char *disk, char **ret)
{
	_cleanup_text_ struct text text = {0};
	char *const *word = volume->list;

	text_add(&text, "%s :%s:%s:%s%s %s %s %s", word[CRYPT_CIPHER], word[CRYPT_KEY_BYTES], KEYRING_USER,
	         CRYPT_KEY_PREFIX, word[CRYPT_UUID], word[CRYPT_IV], disk, word[CRYPT_START]);
	if (volume->count > CRYPT_WORDS)
		text_add(&text, " %zu", volume->count - CRYPT_WORDS);
	for (size_t i = CRYPT_WORDS; i < volume->count; i++)
		text_add(&text, " %s", word[i]);
	return text_take(&text, ret);
}

// The kernel puts all keys into the user's keyring, once.
static struct error *restore_keys(const struct host *host)
{
	_cleanup_close_ int fd = -1;
	struct error *err;

	if (!host_exists(host, CRYPT_CONFIGFS) && mount("configfs", configfs_dir, "configfs", 0, NULL) < 0)
		return error_os(errno, "mount %s", configfs_dir);
	err = host_open(host, CRYPT_CONFIGFS "/restore", O_WRONLY, 0, &fd);
	if (!err)
		err = io_write(fd, "1\n", 2);
	return error_wrap(err, "the keys that were handed over");
}

static struct error *find_number(const struct host *host, const char *path, char number[NAME_BYTES])
{
	struct stat info;
	struct error *err = host_stat(host, path, &info);

	if (!err)
		snprintf(number, NAME_BYTES, "%u:%u", major(info.st_rdev), minor(info.st_rdev));
	return err;
}

struct error *crypt_open(const struct host *host, const struct words *volume, const char *path, struct log *log)
{
	_cleanup_free_ char *parameters = NULL;
	_cleanup_close_ int fd = -1;
	char name[NAME_BYTES], uuid[NAME_BYTES], description[NAME_BYTES], disk[NAME_BYTES];
	struct mapper_device device = {.name = name, .uuid = uuid, .type = "crypt"};
	struct error *err = restore_keys(host);

	volume_name(volume->list[CRYPT_TARGET], name);
	snprintf(uuid, sizeof(uuid), "CRYPT-KDUMP-%.64s", volume->list[CRYPT_UUID]);
	snprintf(description, sizeof(description), CRYPT_KEY_PREFIX "%.100s", volume->list[CRYPT_UUID]);
	if (!err)
		err = keyring_join();
	if (!err)
		err = keyring_take(KEYRING_USER, description);
	if (!err)
		err = find_number(host, path, disk);
	if (!err)
		err = crypt_parameters(volume, disk, &parameters);
	if (!err)
		err = host_open(host, MAPPER_CONTROL, O_RDWR, 0, &fd);
	if (err)
		return error_wrap(err, "the encrypted volume on %s", path);
	device.sectors = strtoull(volume->list[CRYPT_SECTORS], NULL, 10);
	device.parameters = parameters;
	err = mapper_create(fd, &device);
	if (err)
		return error_wrap(err, "the encrypted volume on %s", path);
	log_print(log, "the encrypted volume on %s is open, with the key that the crashed kernel has handed over",
	          path);
	return NULL;
}
