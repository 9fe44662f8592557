// SPDX-License-Identifier: GPL-2.0-or-later
#include "boot/import.h"

#include "boot/import_makedumpfile.h"
#include "test.h"

static const char *value(const struct imported *import, enum config_key key)
{
	return import->values[key].text;
}

// makedumpfile(8): without -d nothing is left out, without a method nothing is compressed, options may be in one word.
static void options_of_makedumpfile(void)
{
	static const struct {
		const char *options, *format, *level, *verbose;
		size_t notes;
	} rows[] = {
		{"", "none", "0", NULL, 0},
		{"-c", "compressed", "0", NULL, 0},
		{"-l -d 31", "lzo", "31", NULL, 0},
		{"-Fpd17", "snappy", "17", NULL, 0},
		{"-z -d 31 --message-level 9", "zstd", "31", "10", 0},
		{"-E -d1 --message-level=6", "ELF", "1", NULL, 0},
		{"-D -d 16,31", "none", "16", "8", 1},
		{"-d", "none", "31", NULL, 1},
		{"-d x", "none", "31", NULL, 1},
		{"-d -1", "none", "31", NULL, 1},
		{"-d 32 -c", "compressed", "31", NULL, 1},
		{"-x /vmlinux -c", "compressed", "0", NULL, 1},
		{"--num-threads 4 -c", "compressed", "0", NULL, 1},
		{"--num-threads", "none", "0", NULL, 1},
		{"--cyclic-buffer=1024 --split vmcore", "none", "0", NULL, 3},
		{"--message-levels 1", "none", "0", NULL, 2},
	};

	for (size_t i = 0; i < array_size(rows); i++) {
		_cleanup_imported_ struct imported import = {.name = "f"};
		struct imported_line line = {.number = 3, .word = "core_collector", .value = rows[i].options};

		import_makedumpfile(&import, &line, rows[i].options);
		check_text(value(&import, KEY_DUMPFORMAT), rows[i].format);
		check_text(value(&import, KEY_DUMPLEVEL), rows[i].level);
		check_text(value(&import, KEY_VERBOSE), rows[i].verbose);
		check(import.notes.count == rows[i].notes);
		check(!import.is_failed);
	}
}

static void places_on_servers(void)
{
	static const struct {
		const char *scheme, *server, *directory, *below, *url;
	} rows[] = {
		{"ssh", "a@h", "/var/crash", "", "ssh://a@h/var/crash"},
		{"ssh", "a@2001:db8::1", "x", "", "ssh://a@[2001:db8::1]/x"},
		{"ssh", "a@[2001:db8::1]", "", "", "ssh://a@[2001:db8::1]/"},
		{"ssh", "h:22", "/", "", "ssh://h:22/"},
		{"ssh", "a:b@c@h", "/", "", "ssh://a%3Ab%40c@h/"},
		{"nfs", "h", "/export/", "/var/crash", "nfs://h/export/var/crash"},
		{"nfs", "h", "/", "var", "nfs://h/var"},
		{"nfs", "h", "/a b", "", "nfs://h/a%20b"},
	};

	for (size_t i = 0; i < array_size(rows); i++) {
		_cleanup_free_ char *url =
			imported_url(rows[i].scheme, rows[i].server, rows[i].directory, rows[i].below);

		check_text(url, rows[i].url);
	}
}

static void places_of_nfs(void)
{
	static const struct {
		const char *place, *server, *path;
	} rows[] = {
		{"h:/a", "h", "/a"}, {"[2001:db8::1]:/a", "[2001:db8::1]", "/a"},
		{"h", NULL, NULL},   {"h:a", NULL, NULL},
		{":/a", NULL, NULL}, {"", NULL, NULL},
	};

	for (size_t i = 0; i < array_size(rows); i++) {
		_cleanup_free_ char *server = NULL, *path = NULL;

		check(imported_split_nfs(rows[i].place, &server, &path) == (rows[i].server != NULL));
		check_text(server, rows[i].server);
		check_text(path, rows[i].path);
	}
}

// Whatever a value holds, our configuration reads the same again.
static void text_reads_back(void)
{
	_cleanup_imported_ struct imported import = {0};
	_cleanup_config_ struct config config = {0};
	_cleanup_free_ char *text = NULL;

	check_ok(import_read(IMPORT_RHEL, "kdump_post /x \"$A\" `b` \\\\ '#c' d#e # comment\r\npath /var/x\\", "f",
	                     &import));
	check_ok(import_format(&import, &text));
	check_ok(config_parse(text, "g", &config));
	check_ok(config_check(&config));
	check_text(config_text(&config, KEY_POSTSCRIPT), "/x \"$A\" `b` \\\\ '#c' d#e");
	check_text(config_text(&config, KEY_SAVEDIR), "/var/x\\");
}

// The text of a line is a part of the file, but the device of --mount is a copy.
static void first_target_counts(void)
{
	static const char first[] = "dracut_args --mount \"/dev/vda2 /mnt ext4 defaults\"\n";
	static const char *const others[] = {"dracut_args --mount \"/dev/vdb1 /mnt xfs defaults\"", "ext4 /dev/vdb1"};

	for (size_t i = 0; i < array_size(others); i++) {
		_cleanup_imported_ struct imported import = {0};
		_cleanup_free_ char *text = NULL;

		check(asprintf(&text, "%s%s", first, others[i]) > 0);
		check_ok(import_read(IMPORT_RHEL, text, "f", &import));
		check_text(value(&import, KEY_TARGET), "/dev/vda2");
		check(import.notes.count == 2);
		check(strstr(import.notes.list[1], "that of line 1 counts") != NULL);
	}
}

static void what_is_refused(void)
{
	_cleanup_imported_ struct imported import = {0};

	check_error(import_read(IMPORT_RHEL, "path /a\nkdump_pre a\001b", "f", &import), ERROR_CONFIG,
	            "one line of text");
	check_error(import_read(IMPORT_RHEL, "fence_kdump_args -p 99999", "f", &import), ERROR_CONFIG,
	            "from 1 to 65535");
}

static const struct test tests[] = {
	TEST(options_of_makedumpfile), TEST(places_on_servers),   TEST(places_of_nfs),
	TEST(text_reads_back),         TEST(first_target_counts), TEST(what_is_refused),
};

int main(int argc, char **argv)
{
	return test_main(tests, array_size(tests), argc, argv);
}
