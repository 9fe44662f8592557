// SPDX-License-Identifier: GPL-2.0-or-later
#include "boot/luks.h"

#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "boot/crashkernel.h"
#include "boot/text.h"

enum {
	// Both start with these bytes and a version, 2 bytes, most significant first.
	MAGIC_BYTES = 6,
	VERSION_AT = 6,
	// LUKS1: eight keyslots of 48 bytes.
	SLOTS_1 = 8,
	SLOTS_1_AT = 208,
	SLOT_1_BYTES = 48,
	SLOT_1_ACTIVE = 0x00AC71F3,
	// LUKS2: behind a header of 4096 bytes a text, JSON, with a NUL behind it.
	JSON_AT = 4096,
	// Headers have 16 KiB to 4 MiB; the text is at the beginning, and keyslots are first in it.
	HEADER_BYTES = 256 * 1024,
	NESTING_MAX = 32,
	NAME_BYTES = 64,
};

static const unsigned char magic[MAGIC_BYTES] = {'L', 'U', 'K', 'S', 0xba, 0xbe};

static uint64_t big_endian(const unsigned char *at, unsigned int size_bytes)
{
	uint64_t value = 0;

	for (unsigned int i = 0; i < size_bytes; i++)
		value = value << 8 | at[i];
	return value;
}

static const char *skip_blank(const char *at)
{
	return at + strspn(at, " \t\r\n");
}

// Behind the string that starts here; its text without escapes, which these names do not have.
static const char *skip_string(const char *at, char *text, size_t room_bytes)
{
	size_t used = 0;

	for (at++; *at && *at != '"'; at++) {
		if (*at == '\\' && at[1])
			at++;
		if (text && used + 1 < room_bytes)
			text[used++] = *at;
	}
	if (text)
		text[used] = '\0';
	return *at ? at + 1 : at;
}

// Behind the value that starts here: a string, an object or array of any depth, a number or word.
static const char *skip_value(const char *at)
{
	int depth = 0;

	at = skip_blank(at);
	do {
		if (*at == '"') {
			at = skip_string(at, NULL, 0);
		} else if (*at == '{' || *at == '[') {
			depth++;
			at++;
		} else if (*at == '}' || *at == ']') {
			depth--;
			at++;
		} else if (*at) {
			at += depth ? 1 : strcspn(at, ",}] \t\r\n");
		}
	} while (*at && depth > 0 && depth < NESTING_MAX);
	return at;
}

// Next member of an object. at: behind "{", or behind the value before. Gives its name and value, or NULL at the end.
static const char *next_member(const char *at, char name[NAME_BYTES])
{
	at = skip_blank(at);
	if (*at == ',')
		at = skip_blank(at + 1);
	if (*at != '"')
		return NULL;
	at = skip_blank(skip_string(at, name, NAME_BYTES));
	return *at == ':' ? skip_blank(at + 1) : NULL;
}

// The value of a member of an object, NULL if it has none.
static const char *find_member(const char *object, const char *wanted)
{
	char name[NAME_BYTES];

	if (!object || *object != '{')
		return NULL;
	for (const char *at = next_member(object + 1, name); at; at = next_member(skip_value(at), name))
		if (strcmp(name, wanted) == 0)
			return at;
	return NULL;
}

// What it takes to try one passphrase: "memory" is in KiB (on-disk format of LUKS2, 3.2.1).
static void add_slot_2(const char *number, const char *slot, struct text *text, uint64_t *most_mib)
{
	const char *kdf = find_member(slot, "kdf"), *type = find_member(kdf, "type"),
		   *memory = find_member(kdf, "memory");
	char name[NAME_BYTES] = "no key derivation";
	uint64_t mib = memory ? strtoumax(memory, NULL, 10) / 1024 : 0;

	if (type && *type == '"')
		skip_string(type, name, sizeof(name));
	text_add(text, "%skeyslot %s %s", text->size_bytes ? ", " : "", number, name);
	if (memory)
		text_add(text, " %" PRIu64 " MiB", mib);
	if (mib > *most_mib)
		*most_mib = mib;
}

static void add_slots_2(const char *json, struct text *text, uint64_t *most_mib)
{
	const char *slots = find_member(skip_blank(json), "keyslots");
	char number[NAME_BYTES];

	if (!slots || *slots != '{')
		return;
	for (const char *at = next_member(slots + 1, number); at; at = next_member(skip_value(at), number))
		add_slot_2(number, at, text, most_mib);
}

static void add_slots_1(const unsigned char *header, struct text *text)
{
	for (unsigned int i = 0; i < SLOTS_1; i++)
		if (big_endian(header + SLOTS_1_AT + i * SLOT_1_BYTES, 4) == SLOT_1_ACTIVE)
			text_add(text, "%skeyslot %u pbkdf2", text->size_bytes ? ", " : "", i);
}

struct error *luks_keyslots(const unsigned char *header, size_t size_bytes, char **ret, uint64_t *most_mib_ret)
{
	_cleanup_text_ struct text text = {0};
	uint64_t version = size_bytes > JSON_AT && memcmp(header, magic, MAGIC_BYTES) == 0
	                           ? big_endian(header + VERSION_AT, 2)
	                           : 0;

	*most_mib_ret = 0;
	if (version == 1) {
		add_slots_1(header, &text);
	} else if (version == 2) {
		_cleanup_free_ char *json = strndup((const char *)header + JSON_AT, size_bytes - JSON_AT);

		if (!json)
			return error_new(ERROR_NOMEM, "no memory for the header of an encrypted volume");
		add_slots_2(json, &text, most_mib_ret);
	}
	text_add(&text, "%s", "");
	return text_take(&text, ret);
}

// The first bytes of a device; NULL if they cannot be read.
static unsigned char *read_header(const struct host *host, const char *disk, size_t *size_bytes_ret)
{
	_cleanup_free_ unsigned char *header = malloc(HEADER_BYTES);
	_cleanup_free_ char *path = NULL;
	_cleanup_close_ int fd = -1;
	_cleanup_error_ struct error *err = NULL;
	ssize_t size;

	if (!disk || asprintf(&path, "/dev/%s", disk) < 0) {
		path = NULL;
		return NULL;
	}
	err = host_open(host, path, O_RDONLY | O_NONBLOCK, 0, &fd);
	size = header && !err ? pread(fd, header, HEADER_BYTES, 0) : -1;
	if (size < 0)
		return NULL;
	*size_bytes_ret = (size_t)size;
	return take_ptr(header);
}

struct error *luks_refuse(const struct host *host, const char *subject, const char *disk)
{
	_cleanup_free_ unsigned char *header = NULL;
	_cleanup_free_ char *slots = NULL;
	_cleanup_text_ struct text numbers = {0};
	uint64_t most_mib = 0, reserved_bytes = 0;
	size_t size_bytes = 0;
	struct error *err = crashkernel_read(host, &reserved_bytes);

	error_free(err);
	header = read_header(host, disk, &size_bytes);
	err = header ? luks_keyslots(header, size_bytes, &slots, &most_mib) : NULL;
	if (err)
		return err;
	if (slots && *slots)
		text_add(&numbers, " (%s%s", slots, most_mib ? "" : ", which need little memory");
	if (slots && *slots && most_mib)
		text_add(&numbers,
		         "; to open it takes up to %" PRIu64 " MiB, the reservation of the capture kernel has %" PRIu64
		         " MiB",
		         most_mib, reserved_bytes >> 20);
	if (slots && *slots)
		text_add(&numbers, ")");
	return error_new(
		ERROR_UNSUPPORTED,
		"%s; nobody can type its passphrase after a crash%s, and no key is put into the capture initramfs: "
		"name with KDUMP_TARGET a file system that is not encrypted, such as one on the disk of /boot",
		subject, numbers.buf ? numbers.buf : "");
}
