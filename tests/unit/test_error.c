// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/error.h"

#include <errno.h>
#include <sys/resource.h>

#include "test.h"

static void texts(void)
{
	struct error *err = error_new(ERROR_BAD_DATA, "byte %d", 7);

	check(err->code == ERROR_BAD_DATA && err->errnum == 0);
	check_text(err->text, "byte 7");
	err = error_wrap(err, "note %s", "x");
	err = error_wrap(err, "file");
	check_text(err->text, "file: note x: byte 7");
	error_free(err);
	check(!error_wrap(NULL, "nothing"));
	error_free(NULL);
}

static void systems(void)
{
	static const struct {
		int errnum;
		enum error_code code;
	} cases[] = {{ENOSPC, ERROR_NOSPC}, {EDQUOT, ERROR_NOSPC}, {EFBIG, ERROR_NOSPC},
	             {ENOMEM, ERROR_NOMEM}, {EIO, ERROR_OS},       {ENOENT, ERROR_OS}};

	for (size_t i = 0; i < array_size(cases); i++) {
		struct error *err = error_os(cases[i].errnum, "open %s", "/x");

		check(err->code == cases[i].code);
		check(strstr(err->text, "open /x: "));
		check(err->code != ERROR_OS || err->errnum == cases[i].errnum);
		error_free(err);
	}
}

// What is too long is cut, at the end of what it says, and says so.
static void long_texts(void)
{
	char word[ERROR_TEXT_BYTES * 2];
	struct error *err;

	memset(word, 'x', sizeof(word));
	word[sizeof(word) - 1] = 0;
	err = error_new(ERROR_OS, "%s", word);
	check(strlen(err->text) < ERROR_TEXT_BYTES);
	check_text(err->text + strlen(err->text) - strlen("…"), "…");
	err = error_wrap(err, "front");
	check(strlen(err->text) < ERROR_TEXT_BYTES && strncmp(err->text, "front: x", 8) == 0);
	error_free(err);
	for (size_t length = ERROR_TEXT_BYTES - 8; length < ERROR_TEXT_BYTES + 8; length++) {
		word[length] = 0;
		err = error_wrap(error_new(ERROR_OS, "%s", word), "a");
		check(strlen(err->text) < ERROR_TEXT_BYTES);
		error_free(err);
		word[length] = 'x';
	}
}

static void catching(void)
{
	struct error *err = error_new(ERROR_FAULT, "x");

	check(!error_catch(&err, ERROR_OS) && err);
	check(error_catch(&err, ERROR_FAULT) && !err);
	check(!error_catch(&err, ERROR_FAULT));
	err = error_os(ENOENT, "x");
	check(!error_catch_os(&err, EACCES) && err);
	check(error_catch_os(&err, ENOENT) && !err);
	check(!error_catch_os(&err, ENOENT));
}

static void exits(void)
{
	static const struct {
		enum error_code code;
		int status;
	} cases[] = {
		{ERROR_NOMEM, EXIT_FAILED},
		{ERROR_OS, EXIT_FAILED},
		{ERROR_USAGE, EXIT_USAGE},
		{ERROR_CONFIG, EXIT_CONFIG},
		{ERROR_UNSUPPORTED, EXIT_UNSUPPORTED},
		{ERROR_BAD_DATA, EXIT_BAD_DATA},
		{ERROR_NOSPC, EXIT_NOSPC},
		{ERROR_TIMEOUT, EXIT_TIMEOUT},
		{ERROR_CANCELED, EXIT_FAILED},
	};

	check(error_exit_code(NULL) == EXIT_OK);
	for (size_t i = 0; i < array_size(cases); i++) {
		struct error *err = error_new(cases[i].code, "x");

		check(error_exit_code(err) == cases[i].status);
		error_free(err);
	}
}

static const struct test tests[] = {TEST(texts), TEST(systems), TEST(long_texts), TEST(catching), TEST(exits)};

int main(int argc, char **argv)
{
	return test_main(tests, array_size(tests), argc, argv);
}
