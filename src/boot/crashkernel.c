// SPDX-License-Identifier: GPL-2.0-or-later
#include "boot/crashkernel.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "boot/bootloader.h"
#include "boot/cmdline.h"
#include "boot/text.h"
#include "boot/words.h"

struct error *crashkernel_read(const struct host *host, uint64_t *size_bytes_ret)
{
	_cleanup_free_ char *text = NULL;
	struct error *err = host_read(host, "/sys/kernel/kexec_crash_size", 64, &text, NULL);
	char *end;

	if (error_catch_os(&err, ENOENT)) {
		return error_new(ERROR_UNSUPPORTED,
		                 "this kernel cannot load a capture kernel (no /sys/kernel/kexec_crash_size; "
		                 "it needs CONFIG_KEXEC_FILE or CONFIG_KEXEC, and CONFIG_CRASH_DUMP)");
	}
	if (err)
		return err;
	*size_bytes_ret = strtoumax(text, &end, 10);
	if (end == text)
		return error_new(ERROR_BAD_DATA, "/sys/kernel/kexec_crash_size: \"%s\" is no number", text);
	return NULL;
}

// As the kernel's memparse(): a number of any base and a unit.
static bool parse_size(const char **at, uint64_t *ret)
{
	static const char units[] = "KMGTPE";
	const char *unit;
	uintmax_t number;
	char *end;

	if (!isdigit((unsigned char)**at))
		return false;
	errno = 0;
	number = strtoumax(*at, &end, 0);
	if (errno || end == *at)
		return false;
	unit = *end ? strchr(units, toupper((unsigned char)*end)) : NULL;
	*at = end + (unit != NULL);
	for (; unit && unit >= units; unit--) {
		if (number > UINT64_MAX >> 10)
			return false;
		number <<= 10;
	}
	*ret = number;
	return true;
}

static bool parse_offset(const char **at, struct text *text)
{
	uint64_t offset;

	if (**at != '@')
		return true;
	(*at)++;
	if (!parse_size(at, &offset))
		return false;
	text_add(text, "@%" PRIu64, offset);
	return true;
}

static bool parse_range(const char **at, uint64_t from, struct text *text)
{
	uint64_t to = UINT64_MAX, size;

	(*at)++;
	if (**at != ':' && (!parse_size(at, &to) || to <= from))
		return false;
	if (*(*at)++ != ':' || !parse_size(at, &size))
		return false;
	text_add(text, "%" PRIu64 "-%" PRIu64 ":%" PRIu64 ",", from, to, size);
	return true;
}

// Kinds of values; a kernel knows one of each.
static const char *const kinds[] = {"", ",high", ",low", ",cma"};

// A value with all numbers in bytes. -1: no kernel understands it; else which of the kinds.
static int parse_value(const char *value, struct text *text)
{
	const char *at = value;
	uint64_t size;

	if (!parse_size(&at, &size))
		return -1;
	if (*at == '-') {
		if (!parse_range(&at, size, text))
			return -1;
		while (*at == ',') {
			at++;
			if (!parse_size(&at, &size) || *at != '-' || !parse_range(&at, size, text))
				return -1;
		}
		return parse_offset(&at, text) && !*at ? 0 : -1;
	}
	text_add(text, "%" PRIu64, size);
	for (size_t i = 1; i < array_size(kinds); i++)
		if (strcmp(at, kinds[i]) == 0)
			return (int)i;
	return parse_offset(&at, text) && !*at ? 0 : -1;
}

bool crashkernel_is_valid(const char *value)
{
	_cleanup_text_ struct text text = {0};

	return parse_value(value, &text) >= 0;
}

static bool is_parameter(const char *word)
{
	return strncmp(word, CRASHKERNEL_PREFIX, strlen(CRASHKERNEL_PREFIX)) == 0;
}

// The last value of a kind, in bytes. One that no kernel understands is of the first kind, as it stands.
static void find_kind(const struct words *words, int kind, struct text *ret)
{
	for (size_t i = 0; i < words->count; i++) {
		const char *value = words->list[i] + strlen(CRASHKERNEL_PREFIX);
		struct text text = {0};
		int found = is_parameter(words->list[i]) ? parse_value(value, &text) : kind + 1;

		if (found == kind || (found < 0 && kind == 0)) {
			text_deinit(ret);
			text_add(ret, "%s", found < 0 ? value : text.buf ? text.buf : "");
		}
		text_deinit(&text);
	}
}

uint64_t crashkernel_bytes(const struct words *words)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < words->count; i++) {
		const char *at = words->list[i] + strlen(CRASHKERNEL_PREFIX);

		if (is_parameter(words->list[i]) && (bytes || !parse_size(&at, &bytes) || *at))
			return 0;
	}
	return bytes;
}

bool crashkernel_same(const struct words *a, const struct words *b)
{
	for (int kind = 0; kind < (int)array_size(kinds); kind++) {
		_cleanup_text_ struct text of_a = {0}, of_b = {0};

		find_kind(a, kind, &of_a);
		find_kind(b, kind, &of_b);
		if (!of_a.buf != !of_b.buf || (of_a.buf && strcmp(of_a.buf, of_b.buf) != 0))
			return false;
	}
	return true;
}

struct error *crashkernel_wanted(const struct config *config, uint64_t proposed_mib, bool *is_auto_ret,
                                 struct words *ret)
{
	const char *asked = config ? config_text(config, KEY_CRASHKERNEL) : "auto";
	_cleanup_words_ struct words words = {0};

	words_split(&words, asked);
	*is_auto_ret = words.count == 0 || (words.count == 1 && strcmp(words.list[0], "auto") == 0);
	if (*is_auto_ret)
		words_addf(ret, CRASHKERNEL_PREFIX "%" PRIu64 "M", proposed_mib);
	for (size_t i = 0; i < words.count && !*is_auto_ret; i++) {
		if (!is_parameter(words.list[i]))
			continue;
		if (!crashkernel_is_valid(words.list[i] + strlen(CRASHKERNEL_PREFIX)))
			return error_new(ERROR_CONFIG,
			                 "%s: KDUMP_CRASHKERNEL: %s: no kernel understands this value, allowed is "
			                 "SIZE[@OFFSET], SIZE,high, SIZE,low, SIZE,cma or FROM-[TO]:SIZE,...",
			                 config_where(config, KEY_CRASHKERNEL), words.list[i]);
		words_add(ret, words.list[i]);
	}
	if (ret->count == 0)
		return error_new(ERROR_CONFIG,
		                 "%s: KDUMP_CRASHKERNEL: \"%s\" is wrong, allowed is auto, or crashkernel=...",
		                 config_where(config, KEY_CRASHKERNEL), asked);
	return words_check(ret);
}

static struct error *join(const struct words *words, char **ret)
{
	_cleanup_text_ struct text text = {0};

	for (size_t i = 0; i < words->count; i++)
		text_add(&text, "%s%s", i ? " " : "", words->list[i]);
	return text_take(&text, ret);
}

// Whoever only wants to know what is missing must not be told what is wrong with what was asked for.
static struct error *proposal(const struct config *config, uint64_t proposed_mib, char **ret)
{
	_cleanup_words_ struct words words = {0}, standard = {0};
	bool is_auto;
	struct error *err = crashkernel_wanted(config, proposed_mib, &is_auto, &words);

	if (!err)
		return join(&words, ret);
	if (err->code == ERROR_NOMEM)
		return err;
	error_free(err);
	err = crashkernel_wanted(NULL, proposed_mib, &is_auto, &standard);
	return err ? err : join(&standard, ret);
}

struct error *crashkernel_missing(const struct host *host, const struct config *config, uint64_t proposed_mib)
{
	_cleanup_free_ char *asked = NULL, *what = NULL;
	_cleanup_error_ struct error *unknown = NULL;
	const struct bootloader *loader = NULL;
	struct error *err = cmdline_running(host, "crashkernel", &asked);

	if (!err)
		err = proposal(config, proposed_mib, &what);
	if (err)
		return err;
	if (asked)
		return error_new(
			ERROR_CONFIG,
			"no memory is reserved for the capture kernel although this boot has crashkernel=%s: it does "
			"not fit this machine's memory (dmesg tells more), or it was given back in "
			"/sys/kernel/kexec_crash_size; change it to %s where the boot loader has it, and reboot",
			asked, what);
	unknown = bootloader_find(host, &loader);
	if (unknown)
		return error_new(
			ERROR_CONFIG,
			"no memory is reserved for the capture kernel: add %s to the kernel command line in the boot "
			"loader's configuration, and reboot",
			what);
	return error_new(
		ERROR_CONFIG,
		"no memory is reserved for the capture kernel: run kdumpctl reset-crashkernel, which adds %s in the "
		"configuration of %s, and reboot",
		what, loader->name);
}
