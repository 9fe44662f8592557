// SPDX-License-Identifier: GPL-2.0-or-later
#include "boot/handover.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/keyring.h"
#include "base/mapper.h"
#include "boot/crypt.h"
#include "boot/words.h"

enum {
	// As the kernel's KEY_DESC_MAX_LEN and KEY_SIZE_MAX.
	DESCRIPTION_BYTES = 128,
	KEY_MAX_BYTES = 256,
};

#define OURS "kdump-"

static bool has_volume(const struct plan *plan, const char *uuid)
{
	bool is_found = false;

	for (char *const *row = plan ? plan->crypt_volumes : NULL; row && *row && !is_found; row++) {
		const char *at = strchr(*row, ' ');

		is_found = at && strncmp(at + 1, uuid, strlen(uuid)) == 0 && at[1 + strlen(uuid)] == ' ';
	}
	return is_found;
}

// Names of other plans: their keys may be gone, and then nothing could be loaded. plan: NULL, none is kept.
static void remove_names(const struct host *host, const struct plan *plan)
{
	_cleanup_(host_names_freep) char **names = NULL;
	_cleanup_close_ int fd = -1;
	_cleanup_error_ struct error *err = host_list(host, CRYPT_CONFIGFS, &names);

	if (!err)
		err = host_open(host, CRYPT_CONFIGFS, O_RDONLY | O_DIRECTORY, 0, &fd);
	for (char **name = names; !err && *name; name++)
		if (strncmp(*name, OURS, strlen(OURS)) == 0 && !has_volume(plan, *name + strlen(OURS)))
			unlinkat(fd, *name, AT_REMOVEDIR);
}

void handover_forget(const struct host *host)
{
	remove_names(host, NULL);
}

static int digit(char c)
{
	return c >= 'a' ? c - 'a' + 10 : c >= 'A' ? c - 'A' + 10 : c - '0';
}

// The key field of a table, if that is the key itself. Returns its size; 0: it is only named there.
static size_t take_key(const char *table, uint8_t key[KEY_MAX_BYTES])
{
	enum { KEY_WORD = 4 };
	const char *at = table;
	size_t size;

	for (int i = 0; i < KEY_WORD && at; i++)
		at = strchr(at, ' ') ? strchr(at, ' ') + 1 : NULL;
	size = at && *at != ':' ? strspn(at, "0123456789abcdefABCDEF") : 0;
	if (!size || size % 2 || size / 2 > KEY_MAX_BYTES || at[size] != ' ')
		return 0;
	for (size_t i = 0; i < size; i += 2)
		key[i / 2] = (uint8_t)(digit(at[i]) << 4 | digit(at[i + 1]));
	return size / 2;
}

static struct error *add_from_table(const struct host *host, const char *uuid, const char *description)
{
	_cleanup_free_ char *name = NULL;
	uint8_t key[KEY_MAX_BYTES];
	char *table = NULL;
	size_t size = 0;
	struct error *err = crypt_find_name(host, uuid, &name);

	if (!err)
		err = crypt_table(host, name, &table);
	if (!err)
		size = take_key(table, key);
	mapper_wipe(&table);
	if (!err && !size)
		err = error_new(
			ERROR_CONFIG,
			"the key of the encrypted volume \"%s\" is in no keyring from which this kernel could hand it "
			"over: "
			"add to its line in /etc/crypttab the option link-volume-key=@u::%%logon:" CRYPT_KEY_PREFIX
			"%s "
			"(cryptsetup 2.7, systemd 256) and start the machine again, or open it with cryptsetup open "
			"--link-vk-to-keyring \"@u::%%logon:" CRYPT_KEY_PREFIX "%s\"",
			name, uuid, uuid);
	if (!err)
		err = keyring_add(KEYRING_LOGON, description, key, size);
	explicit_bzero(key, sizeof(key));
	return err;
}

static struct error *name_key(const struct host *host, const char *uuid, const char *description)
{
	char path[sizeof(CRYPT_CONFIGFS) + 2 * DESCRIPTION_BYTES];
	_cleanup_close_ int fd = -1;
	struct error *err;

	snprintf(path, sizeof(path), CRYPT_CONFIGFS "/" OURS "%s", uuid);
	err = host_mkdirs(host, path);
	strcat(path, "/description");
	if (!err)
		err = host_open(host, path, O_WRONLY, 0, &fd);
	if (!err)
		err = io_write(fd, description, strlen(description));
	return error_wrap(err, "%s", path);
}

static struct error *prepare_one(const struct host *host, const char *row)
{
	_cleanup_words_ struct words words = {0};
	char description[DESCRIPTION_BYTES];
	const char *uuid;
	struct error *err = crypt_parse(row, &words);

	if (err)
		return err;
	uuid = words.list[CRYPT_UUID];
	if ((size_t)snprintf(description, sizeof(description), CRYPT_KEY_PREFIX "%s", uuid) >= sizeof(description) ||
	    strchr(uuid, '/'))
		return error_new(ERROR_BAD_DATA, "the UUID of an encrypted volume is not one: %s", uuid);
	err = keyring_take(KEYRING_LOGON, description);
	if (err) {
		error_free(err);
		err = add_from_table(host, uuid, description);
	}
	return err ? err : name_key(host, uuid, description);
}

struct error *handover_prepare(const struct host *host, const struct plan *plan)
{
	struct error *err;

	remove_names(host, plan);
	if (!plan->crypt_volumes || !*plan->crypt_volumes)
		return NULL;
	err = keyring_join();
	for (char *const *row = plan->crypt_volumes; !err && *row; row++)
		err = prepare_one(host, *row);
	return err;
}

// The kernel answers this with an error where there are no keys beside what is loaded, and does nothing else.
struct error *handover_check(const struct host *host, const struct plan *plan)
{
	_cleanup_close_ int fd = -1;
	struct error *err;

	if (!plan->crypt_volumes || !*plan->crypt_volumes)
		return NULL;
	err = host_open(host, CRYPT_CONFIGFS "/reuse", O_WRONLY, 0, &fd);
	if (!err)
		err = io_write(fd, "0\n", 2);
	if (err && err->code == ERROR_OS && err->errnum == EINVAL) {
		error_free(err);
		return error_new(ERROR_UNSUPPORTED,
		                 "the kernel has not put the keys of encrypted volumes beside the capture kernel: it "
		                 "does so with kexec_file_load only (KEXEC_OPTIONS without -c), and not on every "
		                 "architecture");
	}
	return error_wrap(err, CRYPT_CONFIGFS "/reuse");
}
