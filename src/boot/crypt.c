// SPDX-License-Identifier: GPL-2.0-or-later
#include "boot/crypt.h"

#include <ctype.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mapper.h"
#include "boot/luks.h"
#include "boot/text.h"

enum {
	TABLES_MAX_BYTES = 64 * 1024,
	// As kernel/crash_dump_dm_crypt.c has it: KEY_SIZE_MAX.
	KEY_MAX_BYTES = 256,
};

// Words of a table.
enum table_word {
	TABLE_FIRST,
	TABLE_SECTORS,
	TABLE_TYPE,
	TABLE_CIPHER,
	TABLE_KEY,
	TABLE_IV,
	TABLE_DEVICE,
	TABLE_START,
	TABLE_WORDS
};

static const char luks_mark[] = "CRYPT-LUKS";

static struct error *no_memory(void)
{
	return error_new(ERROR_NOMEM, "no memory for an encrypted volume");
}

void crypt_volumes_deinit(struct crypt_volumes *volumes)
{
	words_deinit(&volumes->rows);
	words_deinit(&volumes->reasons);
}

static bool is_number(const char *word)
{
	return *word && strlen(word) < 20 && strspn(word, "0123456789") == strlen(word);
}

// ":64:logon:NAME", or the key itself in hexadecimal digits. 0: neither.
static uint64_t key_bytes(const char *key)
{
	size_t size = strlen(key);

	if (*key == ':')
		return strtoull(key + 1, NULL, 10);
	return size % 2 == 0 && strspn(key, "0123456789abcdefABCDEF") == size ? size / 2 : 0;
}

struct error *crypt_make_row(const char *table, const char *uuid, char **ret)
{
	_cleanup_words_ struct words words = {0};
	_cleanup_text_ struct text text = {0};
	char *const *word;
	uint64_t bytes = 0;
	struct error *err;

	words_split(&words, table);
	err = words_check(&words);
	word = words.list;
	if (!err && (words.count < TABLE_WORDS || strcmp(word[TABLE_TYPE], "crypt") != 0))
		err = error_new(ERROR_UNSUPPORTED, "it is not simply encrypted (device-mapper: %s)",
		                words.count > TABLE_TYPE ? word[TABLE_TYPE] : "an empty table");
	if (!err)
		bytes = key_bytes(word[TABLE_KEY]);
	if (!err && (strcmp(word[TABLE_FIRST], "0") != 0 || !is_number(word[TABLE_SECTORS]) ||
	             !is_number(word[TABLE_IV]) || !is_number(word[TABLE_START]) || !bytes || bytes > KEY_MAX_BYTES))
		err = error_new(ERROR_BAD_DATA, "its table of device-mapper is not understood");
	for (size_t i = TABLE_WORDS + 1; !err && i < words.count; i++)
		if (strncmp(word[i], "integrity", 9) == 0)
			err = error_new(ERROR_UNSUPPORTED, "it keeps sums of its data (%s)", word[i]);
	if (!err) {
		text_add(&text, "%s %" PRIu64 " %s %s %s %s", uuid, bytes, word[TABLE_SECTORS], word[TABLE_IV],
		         word[TABLE_START], word[TABLE_CIPHER]);
		for (size_t i = TABLE_WORDS + 1; i < words.count; i++)
			text_add(&text, " %s", word[i]);
		err = text_take(&text, ret);
	}
	for (size_t i = 0; i < words.count; i++)
		explicit_bzero(words.list[i], strlen(words.list[i]));
	return err;
}

struct error *crypt_parse(const char *row, struct words *ret)
{
	_cleanup_words_ struct words words = {0};
	struct error *err;

	words_split(&words, row);
	err = words_check(&words);
	if (!err && words.count < CRYPT_WORDS)
		err = error_new(ERROR_BAD_DATA, "the plan has an encrypted volume of %zu words: %s", words.count, row);
	for (size_t i = 0; i < CRYPT_CIPHER && !err; i++)
		if (i != CRYPT_UUID && !is_number(words.list[i]))
			err = error_new(ERROR_BAD_DATA, "the plan has an encrypted volume with \"%s\" for a number: %s",
			                words.list[i], row);
	if (err)
		return err;
	*ret = words;
	words = (struct words){0};
	return NULL;
}

static struct error *table_of_test(const struct host *host, const char *name, char **ret)
{
	_cleanup_free_ char *text = NULL;
	size_t size = strlen(name);
	struct error *err = host_read(host, MAPPER_CONTROL, TABLES_MAX_BYTES, &text, NULL);

	for (const char *line = text; !err && line && *line; line += strcspn(line, "\n"), line += *line == '\n') {
		if (strncmp(line, name, size) != 0 || strncmp(line + size, ": ", 2) != 0)
			continue;
		*ret = strndup(line + size + 2, strcspn(line + size + 2, "\n"));
		return *ret ? NULL : no_memory();
	}
	return err ? err : error_new(ERROR_CONFIG, "device-mapper has no %s", name);
}

struct error *crypt_table(const struct host *host, const char *name, char **ret)
{
	_cleanup_close_ int fd = -1;
	struct stat info;
	struct error *err = host_open(host, MAPPER_CONTROL, O_RDONLY, 0, &fd);

	if (!err && fstat(fd, &info) == 0 && S_ISREG(info.st_mode))
		return table_of_test(host, name, ret);
	return err ? err : mapper_table(fd, name, ret);
}

// device-mapper has UUIDs of headers without their dashes: "CRYPT-LUKS2-0123…-NAME".
static bool is_of(const char *mapper_uuid, const char *uuid)
{
	const char *at = mapper_uuid + strlen(luks_mark);

	if (strncmp(mapper_uuid, luks_mark, strlen(luks_mark)) != 0 || !isdigit((unsigned char)at[0]) || at[1] != '-')
		return false;
	for (at += 2; *uuid; uuid++) {
		if (*uuid == '-')
			continue;
		if (tolower((unsigned char)*at++) != tolower((unsigned char)*uuid))
			return false;
	}
	return *at == '-';
}

struct error *crypt_find_name(const struct host *host, const char *uuid, char **ret)
{
	_cleanup_(host_names_freep) char **names = NULL;
	struct error *err = host_list(host, "/sys/block", &names);

	for (char **name = names; !err && *name; name++) {
		_cleanup_free_ char *path = NULL;
		_cleanup_device_ struct device device = {0};
		_cleanup_free_ char *mapper_uuid = NULL;

		if (strncmp(*name, "dm-", 3) != 0)
			continue;
		if (asprintf(&path, "/sys/block/%s", *name) < 0) {
			path = NULL;
			return no_memory();
		}
		device.sysfs = take_ptr(path);
		mapper_uuid = device_attribute(host, &device, "dm/uuid");
		if (!mapper_uuid || !is_of(mapper_uuid, uuid))
			continue;
		*ret = device_attribute(host, &device, "dm/name");
		if (*ret)
			return NULL;
	}
	return err ? err : error_new(ERROR_CONFIG, "the encrypted volume %s is not open", uuid);
}

static struct error *add_row(const struct host *host, const char *name, const char *uuid, const char *subject,
                             struct crypt_volumes *volumes)
{
	char *table = NULL;
	_cleanup_free_ char *row = NULL;
	struct error *err = crypt_table(host, name, &table);

	if (!err)
		err = crypt_make_row(table, uuid, &row);
	mapper_wipe(&table);
	if (err)
		return error_wrap(err, "%s", subject);
	words_add(&volumes->rows, row);
	words_addf(
		&volumes->reasons,
		"%s: this kernel hands its key (%s%s) over to the capture kernel; the passphrase is not needed there",
		subject, CRYPT_KEY_PREFIX, uuid);
	err = words_check(&volumes->rows);
	return err ? err : words_check(&volumes->reasons);
}

struct error *crypt_add(const struct host *host, const struct device *device, const struct device *below,
                        const char *subject, struct crypt_volumes *volumes)
{
	_cleanup_free_ char *mapper_uuid = device_attribute(host, device, "dm/uuid");
	_cleanup_free_ char *name = device_attribute(host, device, "dm/name");
	_cleanup_device_content_ struct device_content content = {0};
	struct error *err;

	if (!host_exists(host, CRYPT_CONFIGFS))
		return luks_refuse(host, subject, below->name);
	err = device_probe(host, below, &content);
	if (err)
		return err;
	// Plain dm-crypt, and LUKS with a header that lies elsewhere: nothing on the disk tells which one it is.
	if (!name || !mapper_uuid || !content.uuid || !is_of(mapper_uuid, content.uuid))
		return error_new(ERROR_UNSUPPORTED,
		                 "%s, and /dev/%s, on which it stands, has not its LUKS header: it would not be found "
		                 "after a crash; name a file system that is not encrypted with KDUMP_TARGET",
		                 subject, below->name);
	return add_row(host, name, content.uuid, subject, volumes);
}
