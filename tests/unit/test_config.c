// SPDX-License-Identifier: GPL-2.0-or-later
#include "boot/config.h"

#include "base/io.h"
#include "fake.h"
#include "test.h"

static void parse_ok(const char *text, struct config *config)
{
	check_ok(config_parse(text, "f", config));
	check_ok(config_check(config));
}

static void values_as_shell_would_take_them(void)
{
	static const struct {
		const char *line;
		const char *value;
	} rows[] = {
		{"KDUMP_COMMANDLINE=\"a b\"", "a b"},
		{"KDUMP_COMMANDLINE='a b'", "a b"},
		{"KDUMP_COMMANDLINE=ab", "ab"},
		{"KDUMP_COMMANDLINE=", ""},
		{"KDUMP_COMMANDLINE=\"\"", ""},
		{"export KDUMP_COMMANDLINE=ab", "ab"},
		{"  KDUMP_COMMANDLINE=ab  # c", "ab"},
		{"KDUMP_COMMANDLINE=\"a#b\" # c", "a#b"},
		{"KDUMP_COMMANDLINE=a#b", "a#b"},
		{"KDUMP_COMMANDLINE=\"a \\\"b\\\" \\\\ \\$c \\n\"", "a \"b\" \\ $c \\n"},
		{"KDUMP_COMMANDLINE='a \\\"b'", "a \\\"b"},
		{"KDUMP_COMMANDLINE=\"ab\"\r", "ab"},
		{"KDUMP_COMMANDLINE=a\nKDUMP_COMMANDLINE=b", "b"},
	};

	for (size_t i = 0; i < array_size(rows); i++) {
		_cleanup_config_ struct config config = {0};

		parse_ok(rows[i].line, &config);
		check_text(config_text(&config, KEY_COMMANDLINE), rows[i].value);
		check(config.warnings.count == 0);
	}
}

static void lines_that_are_no_assignment(void)
{
	static const struct {
		const char *line;
		const char *words;
	} rows[] = {
		{"\n# c\nKDUMP_SAVEDIR=\"/a", "f:3: KDUMP_SAVEDIR: the quote is not closed"},
		{"KDUMP_SAVEDIR='/a\n'", "f:1: KDUMP_SAVEDIR: the quote is not closed"},
		{"KDUMP_SAVEDIR=\"/a\"b", "more text behind"},
		{"KDUMP_SAVEDIR=\"/a\"#b", "more text behind"},
		{"KDUMP_SAVEDIR=/a b", "must stand in quotes"},
		{"KDUMP_SAVEDIR=/a;reboot", "special characters"},
		{"KDUMP_SAVEDIR=/a \\", "continued with a backslash"},
		{"KDUMP_SAVEDIR =/a", "no assignment"},
		{"=x", "no assignment"},
		{"1A=x", "no assignment"},
		{"if true", "no assignment"},
		{"KDUMP-SAVEDIR=x", "no assignment"},
	};

	for (size_t i = 0; i < array_size(rows); i++) {
		_cleanup_config_ struct config config = {0};

		check_error(config_parse(rows[i].line, "f", &config), ERROR_CONFIG, rows[i].words);
	}
}

static void types(void)
{
	static const struct {
		const char *line;
		enum error_code code;
		const char *words;
	} bad[] = {
		{"KDUMP_DUMPLEVEL=32", ERROR_CONFIG,
	         "f:1: KDUMP_DUMPLEVEL: \"32\" is wrong, allowed is a number from 0 to 31"},
		{"KDUMP_DUMPLEVEL=-1", ERROR_CONFIG, "from 0 to 31"},
		{"KDUMP_DUMPLEVEL=\"\"", ERROR_CONFIG, "from 0 to 31"},
		{"KDUMP_DUMPLEVEL=\" 1\"", ERROR_CONFIG, "from 0 to 31"},
		{"KDUMP_DUMPLEVEL=+1", ERROR_CONFIG, "from 0 to 31"},
		{"KDUMP_DUMPLEVEL=0x1", ERROR_CONFIG, "from 0 to 31"},
		{"KDUMP_DUMPLEVEL=99999999999999999999999", ERROR_CONFIG, "from 0 to 31"},
		{"KDUMP_FADUMP=2", ERROR_CONFIG, "yes or no"},
		{"KDUMP_DUMPFORMAT=zip", ERROR_CONFIG, "empty, auto, compressed, none, ELF, lzo, snappy, zstd, raw"},
	};
	static const char *const good[] = {
		"KDUMP_FADUMP=no",          "KDUMP_FADUMP=OFF",          "KDUMP_FADUMP=0",
		"KDUMP_IMMEDIATE_REBOOT=1", "KDUMP_IMMEDIATE_REBOOT=on", "KDUMP_KEEP_OLD_DUMPS=-1",
		"KDUMP_DUMPFORMAT=elf",     "KDUMP_NET_TIMEOUT=030",     "KDUMP_HOST_KEY=x\nKDUMP_HOST_KEY=",
	};

	for (size_t i = 0; i < array_size(bad); i++) {
		_cleanup_config_ struct config config = {0};

		check_ok(config_parse(bad[i].line, "f", &config));
		check_error(config_check(&config), bad[i].code, bad[i].words);
	}
	for (size_t i = 0; i < array_size(good); i++) {
		_cleanup_config_ struct config config = {0};

		parse_ok(good[i], &config);
		check(config.warnings.count == 0);
	}
}

static void defaults_pass(void)
{
	_cleanup_config_ struct config config = {0};

	parse_ok("", &config);
	check(config.warnings.count == 0);
	check_text(config_where(&config, KEY_SAVEDIR), "default");
	check(config_number(&config, KEY_DUMPLEVEL) == 31);
	for (int i = 0; i < KEY_COUNT; i++)
		check(config_key_info(i)->name && config_key_info(i)->default_text);
}

static void unknown_keys_warn_with_the_nearest(void)
{
	_cleanup_config_ struct config config = {0};

	parse_ok("KDUMP_SAVDIR=/x\nkdump_cpus=1\nMY_OWN=1\n", &config);
	check(config.warnings.count == 3);
	check_text(config.warnings.list[0], "f:1: unknown key KDUMP_SAVDIR; did you mean KDUMP_SAVEDIR?");
	check_text(config.warnings.list[1], "f:2: unknown key kdump_cpus; did you mean KDUMP_CPUS?");
	check_text(config.warnings.list[2], "f:3: unknown key MY_OWN");
}

static void password_files_get_mode_0600(void)
{
	_cleanup_fake_ struct fake fake;
	_cleanup_config_ struct config config = {0};
	struct stat info;

	fake_init(&fake);
	fake_file(&fake, CONFIG_PATH, "KDUMP_SAVEDIR=\"ssh://u:p/w@nfsfile/x\"\n");
	fake_file(&fake, CONFIG_PATH ".d/50-x.conf", "KDUMP_SAVEDIR=/var/crash\n");
	check_ok(config_load(&fake.host, CONFIG_PATH, &config));
	check_text(config_where(&config, KEY_SAVEDIR), CONFIG_PATH ".d/50-x.conf:1");
	check_ok(host_stat(&fake.host, CONFIG_PATH, &info));
	check((info.st_mode & 07777) == 0600);
	check_ok(host_stat(&fake.host, CONFIG_PATH ".d/50-x.conf", &info));
	check((info.st_mode & 07777) == 0644);
	check(config.warnings.count == 1);
}

static void files_that_cannot_be(void)
{
	_cleanup_fake_ struct fake fake;
	_cleanup_config_ struct config config = {0};

	fake_init(&fake);
	check_error(config_load(&fake.host, "/other", &config), ERROR_OS, "/other");
	check_ok(host_replace(&fake.host, "/nul", "A=1\0B=2\n", 8, 0644));
	check_error(config_load(&fake.host, "/nul", &config), ERROR_CONFIG, "NUL");
}

// Key of a template line, or -1.
static int template_key(const char *line)
{
	for (int i = 0; i < KEY_COUNT; i++) {
		size_t size = strlen(config_key_info(i)->name);

		if (strncmp(line, config_key_info(i)->name, size) == 0 && line[size] == '=')
			return i;
	}
	return -1;
}

// The template in the tree must hold exactly the keys of the table, at values that mean the default.
static void template_matches_the_table(void)
{
	static const char path[] = TOP_SRCDIR "/sysconfig/kdump";
	char line[1024];
	bool has[KEY_COUNT] = {false};
	_cleanup_config_ struct config config = {0}, standard = {0};
	_cleanup_fclose_ FILE *file = NULL;

	file = fopen(path, "r");
	check(file != NULL);
	parse_ok("", &standard);
	while (fgets(line, sizeof(line), file)) {
		int key = *line == '#' || *line == '\n' ? KEY_COUNT : template_key(line);

		check(key >= 0);
		if (key == KEY_COUNT)
			continue;
		has[key] = true;
		check_ok(config_parse(line, path, &config));
	}
	check_ok(config_check(&config));
	check(config.warnings.count == 0);
	for (int i = 0; i < KEY_COUNT; i++) {
		bool is_left_out = config_key_info(i)->state == CONFIG_WITHOUT_EFFECT || i == KEY_SMTP_TIMEOUT;

		check(has[i] || is_left_out);
		if (has[i] && i != KEY_SAVEDIR)
			check_text(config_text(&config, i), config_text(&standard, i));
	}
}

// Every key is in the manual.
static void manual_names_every_key(void)
{
	_cleanup_free_ char *text = NULL;
	_cleanup_close_ int fd = -1;
	static const char path[] = TOP_SRCDIR "/man/kdump.5";

	fd = open(path, O_RDONLY | O_CLOEXEC);
	check(fd >= 0);
	check_ok(io_read_all(fd, 1 << 20, &text, NULL));
	for (int i = 0; i < KEY_COUNT; i++) {
		char heading[128], bare[128];

		snprintf(heading, sizeof(heading), "\n.BR %s \" (", config_key_info(i)->name);
		snprintf(bare, sizeof(bare), "\n.B %s\n", config_key_info(i)->name);
		if (!strstr(text, heading) && !strstr(text, bare))
			fprintf(stderr, "%s is not in %s\n", config_key_info(i)->name, path);
		check(strstr(text, heading) || strstr(text, bare));
	}
}

static const struct test tests[] = {
	TEST(values_as_shell_would_take_them),
	TEST(lines_that_are_no_assignment),
	TEST(types),
	TEST(defaults_pass),
	TEST(unknown_keys_warn_with_the_nearest),
	TEST(password_files_get_mode_0600),
	TEST(files_that_cannot_be),
	TEST(template_matches_the_table),
	TEST(manual_names_every_key),
};

int main(int argc, char **argv)
{
	return test_main(tests, array_size(tests), argc, argv);
}
