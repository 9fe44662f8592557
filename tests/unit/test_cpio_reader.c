// SPDX-License-Identifier: GPL-2.0-or-later
#include "boot/cpio_reader.h"

#include <sys/mman.h>

#include "base/io.h"
#include "boot/cpio.h"
#include "fakearchive.h"
#include "test.h"

static int make_file(const struct fakearchive *archive)
{
	int fd = memfd_create("initramfs", MFD_CLOEXEC);

	check(fd >= 0);
	check_ok(io_pwrite(fd, archive->buf, archive->size_bytes, 0));
	return fd;
}

// Names with their content, "name=content;", of all that is in it; on an error what came before it.
static struct error *list(int fd, char *text, size_t room_bytes)
{
	_cleanup_(cpio_reader_closep) struct cpio_reader *reader = NULL;
	const struct cpio_reader_entry *entry = NULL;
	struct error *err = cpio_reader_open(fd, &reader);

	*text = '\0';
	if (!err)
		err = cpio_reader_next(reader, &entry);
	while (!err && entry) {
		_cleanup_free_ char *content = NULL;
		size_t used = strlen(text);

		err = cpio_reader_content(reader, 1000, &content);
		check(snprintf(text + used, room_bytes - used, "%s=%s;", entry->name, content ? content : "?") <
		      (int)(room_bytes - used));
		if (!err)
			err = cpio_reader_next(reader, &entry);
	}
	return err;
}

static void check_list(const struct fakearchive *archive, const char *wanted)
{
	_cleanup_close_ int fd = make_file(archive);
	char text[1000];

	check_ok(list(fd, text, sizeof(text)));
	check_text(text, wanted);
}

static void check_refused(const struct fakearchive *archive, enum error_code code, const char *words)
{
	_cleanup_close_ int fd = make_file(archive);
	char text[1000];

	check_error(list(fd, text, sizeof(text)), code, words);
}

static void add_two(struct fakearchive *archive, const char *first, const char *second)
{
	fakearchive_dir(archive, ".");
	fakearchive_file(archive, first, 0644, "one");
	fakearchive_file(archive, second, 0644, "1234");
	fakearchive_end(archive);
}

static void plain_archives_behind_each_other(void)
{
	_cleanup_fakearchive_ struct fakearchive archive = {0};

	check_list(&archive, "");
	add_two(&archive, "a", "./b");
	check_list(&archive, "=;a=one;b=1234;");
	fakearchive_zeros(&archive, 512 - archive.size_bytes % 512);
	add_two(&archive, "/c", "d/e");
	check_list(&archive, "=;a=one;b=1234;=;c=one;d/e=1234;");
}

// Early microcode, for example: an archive as it is, zeros, and the rest compressed.
static void compressed_parts_behind_a_plain_one(void)
{
	_cleanup_fakearchive_ struct fakearchive archive = {0}, inside = {0}, last = {0};
	char wanted[200] = "=;early=one;x=1234;";

	add_two(&archive, "early", "x");
	fakearchive_zeros(&archive, 512 - archive.size_bytes % 512);
	add_two(&inside, "a", "b");
	// And a second one in the same part.
	fakearchive_zeros(&inside, 100);
	fakearchive_file(&inside, "c", 0600, "three");
	fakearchive_end(&inside);
	fakearchive_file(&last, "z", 0600, "end");
#ifdef HAVE_ZLIB
	fakearchive_gzip(&archive, &inside);
	strcat(wanted, "=;a=one;b=1234;c=three;");
	fakearchive_zeros(&archive, 3);
	fakearchive_gzip(&archive, &last);
	strcat(wanted, "z=end;");
#endif
#ifdef HAVE_ZSTD
	fakearchive_zstd(&archive, &inside);
	strcat(wanted, "=;a=one;b=1234;c=three;");
#endif
	check_list(&archive, wanted);
}

// What our own writer makes, which the kernel unpacks (tests/rehearsal).
static void what_cpio_writes(void)
{
	_cleanup_close_ int fd = memfd_create("initramfs", MFD_CLOEXEC);
	struct cpio cpio = {.fd = fd};
	char text[1000];

	check_ok(cpio_add(&cpio, "dir", S_IFDIR | 0755, NULL, 0));
	check_ok(cpio_add(&cpio, "dir/file", S_IFREG | 0755, "content", 7));
	check_ok(cpio_finish(&cpio));
	check(lseek(fd, 0, SEEK_SET) == 0);
	check_ok(list(fd, text, sizeof(text)));
	check_text(text, "dir=;dir/file=content;");
}

static void other_compressions_are_named(void)
{
	_cleanup_fakearchive_ struct fakearchive xz = {0}, lz4 = {0}, text = {0}, old = {0};

	fakearchive_bytes(&xz,
	                  "\xfd"
	                  "7zXZ\0rest of it",
	                  16);
	check_refused(&xz, ERROR_UNSUPPORTED, "compressed by xz");
	fakearchive_bytes(&lz4, "\x02\x21\x4c\x18 rest of it", 16);
	check_refused(&lz4, ERROR_UNSUPPORTED, "compressed by lz4");
	fakearchive_bytes(&text, "image", 5);
	check_refused(&text, ERROR_BAD_DATA, "neither an archive nor compressed");
	fakearchive_bytes(&old, "070707000000000000", 18);
	fakearchive_zeros(&old, 200);
	check_refused(&old, ERROR_UNSUPPORTED, "old form");
}

// Each field of a header, one after the other, with what is no number, and the largest one.
static void headers_that_are_wrong(void)
{
	_cleanup_fakearchive_ struct fakearchive archive = {0};
	char text[1000];

	add_two(&archive, "a", "b");
	for (size_t i = 0; i < 110; i++) {
		// Of the others nobody takes notice here, nor does the kernel of the last one.
		bool is_number =
			(i >= 14 && i < 22) || (i >= 38 && i < 46) || (i >= 54 && i < 62) || (i >= 94 && i < 102);
		char was = archive.buf[i];

		archive.buf[i] = 'x';
		if (is_number)
			check_refused(&archive, ERROR_BAD_DATA, "no numbers");
		else if (i < 6)
			check_refused(&archive, ERROR_BAD_DATA, i ? "no archive" : "neither");
		else
			check_list(&archive, "=;a=one;b=1234;");
		archive.buf[i] = was;
	}
	// Sizes of the content and of the name.
	for (size_t field = 6; field <= 11; field += 5) {
		_cleanup_close_ int fd = -1;

		memcpy(archive.buf + 6 + field * 8, "ffffffff", 8);
		fd = make_file(&archive);
		check_error(list(fd, text, sizeof(text)), ERROR_BAD_DATA, field == 6 ? "larger than" : "a name of");
		memcpy(archive.buf + 6 + field * 8, "00000000", 8);
	}
	check_refused(&archive, ERROR_BAD_DATA, "a name of 0 bytes");
}

// Wherever it is cut off, what comes before is what it was, and then it is told; but between two entries nobody can know.
static void cut_off_anywhere(void)
{
	_cleanup_fakearchive_ struct fakearchive plain = {0}, whole = {0};
	char wanted[] = "=;a=one;b=1234;", text[1000];

	add_two(&plain, "a", "b");
#ifdef HAVE_ZLIB
	fakearchive_gzip(&whole, &plain);
#else
	fakearchive_bytes(&whole, plain.buf, plain.size_bytes);
#endif
	for (size_t size = 1; size < whole.size_bytes; size++) {
		struct fakearchive cut = {whole.buf, size};
		_cleanup_close_ int fd = make_file(&cut);
		struct error *err = list(fd, text, sizeof(text));

		check(strncmp(text, wanted, strlen(text)) == 0 || strchr(text, '?'));
#ifdef HAVE_ZLIB
		check_error(err, ERROR_BAD_DATA, "");
#else
		error_free(err);
#endif
	}
}

#ifdef HAVE_ZLIB
static void damaged_bytes_are_seen(void)
{
	_cleanup_fakearchive_ struct fakearchive plain = {0}, whole = {0};
	unsigned int seen = 0;

	add_two(&plain, "a", "b");
	fakearchive_gzip(&whole, &plain);
	// Behind the header of gzip, which has a time and flags that nobody needs.
	for (size_t i = 10; i < whole.size_bytes; i++) {
		_cleanup_close_ int fd = -1;
		struct error *err;
		char text[1000];

		whole.buf[i] ^= 0x55;
		fd = make_file(&whole);
		err = list(fd, text, sizeof(text));
		check(!err || err->code == ERROR_BAD_DATA);
		seen += err != NULL;
		error_free(err);
		whole.buf[i] ^= 0x55;
	}
	check(seen == whole.size_bytes - 10);
}
#endif

static void too_many_entries(void)
{
	_cleanup_fakearchive_ struct fakearchive one = {0};
	_cleanup_close_ int fd = memfd_create("initramfs", MFD_CLOEXEC);
	_cleanup_(cpio_reader_closep) struct cpio_reader *reader = NULL;
	const struct cpio_reader_entry *entry = NULL;
	struct error *err = NULL;
	int count = 0;

	fakearchive_file(&one, "a", 0644, "");
	for (int i = 0; i < CPIO_READER_ENTRIES_MAX + 10; i++)
		check_ok(io_write(fd, one.buf, one.size_bytes));
	check(lseek(fd, 0, SEEK_SET) == 0);
	check_ok(cpio_reader_open(fd, &reader));
	do {
		err = cpio_reader_next(reader, &entry);
		count += !err;
	} while (!err && entry);
	check_error(err, ERROR_BAD_DATA, "more than 65536 files");
	check(count == CPIO_READER_ENTRIES_MAX);
}

static const struct test tests[] = {
	TEST(plain_archives_behind_each_other),
	TEST(compressed_parts_behind_a_plain_one),
	TEST(what_cpio_writes),
	TEST(other_compressions_are_named),
	TEST(headers_that_are_wrong),
	TEST(cut_off_anywhere),
#ifdef HAVE_ZLIB
	TEST(damaged_bytes_are_seen),
#endif
	TEST(too_many_entries),
};

int main(int argc, char **argv)
{
	return test_main(tests, array_size(tests), argc, argv);
}
