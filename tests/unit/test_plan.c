// SPDX-License-Identifier: GPL-2.0-or-later
#include "boot/plan.h"

#include "test.h"

// libconfig does not free all it has when a text is wrong (1.5).
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:libconfig";
}

static const char good[] = "version = 1;\n"
			   "form = \"minimal\";\n"
			   "hostname = \"node \\\"1\\\"\";\n"
			   "kernel = {\n"
			   "\tversion = \"6.1\";\n"
			   "\timage = \"/boot/vmlinuz\";\n"
			   "\tinitrd = \"/var/lib/kdump/initrd\";\n"
			   "\tcommand_line = \"dyndbg=\\\"file a\\\" b\\\\\";\n"
			   "\tkexec_options = \"\";\n"
			   "\tpanic_notifiers = true;\n"
			   "\tpanic_on = [\n\t\t\"nmi\"\n\t];\n"
			   "\tmodules = [\n"
			   "\t\t\"a.ko\",\n"
			   "\t\t\"b.ko\"\n"
			   "\t];\n"
			   "};\n"
			   "target = {\n"
			   "\tdevice = \"UUID=1\";\n"
			   "\tfstype = \"ext4\";\n"
			   "\toptions = \"\";\n"
			   "\tdirectory = \"/var/crash\";\n"
			   "\tfiles = [\n\t\t\"/usr/bin/ssh\"\n\t];\n"
			   "\tparts = 1;\n"
			   "\ttimeout_ms = 120000L;\n"
			   "\tfree_bytes = 67108864000L;\n"
			   "\tkeep_old_dumps = -1;\n"
			   "\tkeep_max_bytes = 1048576L;\n"
			   "\tkeep_max_s = 86400L;\n"
			   "\tkeep_min_free_bytes = 2097152L;\n"
			   "};\n"
			   "fallback = {\n"
			   "\tdevices = [\n\t\t\"UUID=2\"\n\t];\n"
			   "\tfstypes = [\n\t\t\"xfs\"\n\t];\n"
			   "\toptions = [\n\t\t\"\"\n\t];\n"
			   "\tdirectories = [\n\t\t\"/second\"\n\t];\n"
			   "};\n"
			   "watchdog = {\n"
			   "\tmodules = [];\n"
			   "};\n"
			   "network = {\n"
			   "\tmodules = [\n\t\t\"c.ko\"\n\t];\n"
			   "\tlinks = [\n\t\t\"eth0 52:54:00:00:00:01 1500\"\n\t];\n"
			   "\taddresses = [];\n"
			   "\ttimeout_ms = 30000L;\n"
			   "\troutes = [\n\t\t\"192.0.2.9 eth0 - -\"\n\t];\n"
			   "};\n"
			   "iscsi = {\n"
			   "\tsessions = [\n\t\t\"1 192.0.2.8 3260 1 0 iqn.x iqn.y -\"\n\t];\n"
			   "};\n"
			   "crypt = {\n"
			   "\tvolumes = [\n\t\t\"0 c0ffee00 64 8 0 32768 aes-xts-plain64\"\n\t];\n"
			   "};\n"
			   "notify = {\n"
			   "\troutes = [\n\t\t\"192.0.2.1 eth0 - -\"\n\t];\n"
			   "\tport = 7410;\n"
			   "\tinterval_ms = 10000L;\n"
			   "};\n"
			   "dump = {\n"
			   "\tlevel = 31;\n"
			   "\tloop_count = 3;\n"
			   "\tloop_s = 3600;\n"
			   "\tkeep_processes = [\n\t\t\"tmux: server\"\n\t];\n"
			   "\tencrypt_to = [\n\t\t\"age1x\"\n\t];\n"
			   "\tformat = \"zstd\";\n"
			   "\tthreads = 2;\n"
			   "};\n"
			   "hooks = {\n"
			   "\tpre = [\n\t\t\"sh:echo \\\"$KDUMP_STAGE\\\"\"\n\t];\n"
			   "\ttransfer = [];\n"
			   "\tpost = [];\n"
			   "\temergency = [];\n"
			   "\tfiles = [\n\t\t\"/bin/sh\"\n\t];\n"
			   "\ttimeout_ms = 60000L;\n"
			   "};\n"
			   "action = {\n"
			   "\tfinal = \"poweroff\";\n"
			   "\tfailure = \"shell\";\n"
			   "\tdeadline_ms = 604800000L;\n"
			   "};\n"
			   "full = {\n"
			   "\tdracut_modules = [\n\t\t\"lvm\"\n\t];\n"
			   "\tdevices = [\n\t\t\"/dev/mapper/system-root\"\n\t];\n"
			   "\tretry_ms = 40000L;\n"
			   "};\n"
			   "verbose = 3;\n";

static void text_survives_a_round_trip(void)
{
	_cleanup_plan_ struct plan plan = {0};
	_cleanup_free_ char *text = NULL;

	check_ok(plan_parse(good, "p", &plan));
	check(plan.form == PLAN_MINIMAL && plan.final_action == PLAN_POWEROFF && plan.failure_action == PLAN_SHELL);
	check(plan.deadline_ms == 604800000 && plan.free_disk_bytes == 67108864000 && plan.keep_old_dumps == -1);
	check(plan.keep_max_bytes == 1048576 && plan.keep_max_s == 86400 && plan.keep_min_free_bytes == 2097152);
	check_text(plan.panic_on[0], "nmi");
	check(plan.format == PLAN_FORMAT_ZSTD && plan.threads == 2 && plan.dump_level == 31 && plan.verbose == 3 &&
	      plan.has_panic_notifiers);
	check_text(plan.hostname, "node \"1\"");
	check_text(plan.command_line, "dyndbg=\"file a\" b\\");
	check_text(plan.modules[0], "a.ko");
	check_text(plan.network_links[0], "eth0 52:54:00:00:00:01 1500");
	check_text(plan.hooks_pre[0], "sh:echo \"$KDUMP_STAGE\"");
	check(plan_target_count(&plan) == 2);
	check_text(plan_target_at(&plan, 0).directory, "/var/crash");
	check_text(plan_target_at(&plan, 1).device, "UUID=2");
	check_text(plan_target_at(&plan, 1).directory, "/second");
	check(plan.notify_port == 7410 && plan.notify_interval_ms == 10000 && !plan.network_addresses[0]);
	check_text(plan.modules[1], "b.ko");
	check(plan.modules[2] == NULL);
	check_ok(plan_format(&plan, &text));
	check_text(strchr(text, '\n') + 1, good);
}

static void odd_bytes_survive(void)
{
	_cleanup_plan_ struct plan plan = {0}, again = {0};
	_cleanup_free_ char *text = NULL;

	check_ok(plan_parse(good, "p", &plan));
	free(plan.hostname);
	plan.hostname = strdup("a\tb\nc\x01\x7f\xc3\xa9\"\\");
	plan.reasons = calloc(1, sizeof(*plan.reasons));
	plan.reasons[0].key = strdup("hostname");
	plan.reasons[0].reason = strdup("two\nlines = 1;");
	plan.reason_count = 1;
	check_ok(plan_format(&plan, &text));
	check(strstr(text, "# two lines = 1;\nhostname = ") != NULL);
	check_ok(plan_parse(text, "p", &again));
	check_text(again.hostname, plan.hostname);
}

static void empty_list(void)
{
	_cleanup_plan_ struct plan plan = {0}, again = {0};
	_cleanup_free_ char *text = NULL;

	check_ok(plan_parse(good, "p", &plan));
	free(plan.modules[0]);
	plan.modules[0] = NULL;
	free(plan.modules[1]);
	check_ok(plan_format(&plan, &text));
	check_ok(plan_parse(text, "p", &again));
	check(again.modules && !again.modules[0]);
}

// Replaces the first appearance of a part of the good text.
static char *changed(const char *from, const char *to)
{
	const char *at = strstr(good, from);
	char *text;

	check(at != NULL);
	check(asprintf(&text, "%.*s%s%s", (int)(at - good), good, to, at + strlen(from)) >= 0);
	return text;
}

static void wrong_values_are_named_with_their_line(void)
{
	static const struct {
		const char *from, *to;
		enum error_code code;
		const char *words;
	} rows[] = {
		{"version = 1", "version = 2", ERROR_UNSUPPORTED, "p:1: version 2"},
		{"version = 1", "version = \"1\"", ERROR_BAD_DATA, "p:1: version"},
		{"\"minimal\"", "\"tiny\"", ERROR_BAD_DATA, "p:2: form: has a word"},
		{"\"minimal\"", "1", ERROR_BAD_DATA, "p:2: form"},
		{"level = 31", "level = 32", ERROR_BAD_DATA, "p:83: dump.level: is out of range"},
		{"level = 31", "level = -1", ERROR_BAD_DATA, "p:83: dump.level"},
		{"level = 31", "level = 1.5", ERROR_BAD_DATA, "p:83: dump.level: must be a number"},
		{"level = 31;", "", ERROR_BAD_DATA, "dump.level: is missing"},
		{"port = 7410", "port = 0", ERROR_BAD_DATA, "notify.port: is out of range"},
		{"interval_ms = 10000L", "interval_ms = 0", ERROR_BAD_DATA, "notify.interval_ms"},
		{"panic_notifiers = true", "panic_notifiers = 1", ERROR_BAD_DATA,
	         "p:10: kernel.panic_notifiers: must be true or false"},
		{"\t\t\"xfs\"\n", "", ERROR_BAD_DATA, "p:1: fallback: the lists are not of one length"},
		{"parts = 1", "parts = 9", ERROR_BAD_DATA, "p:1: target.parts: there are not so many targets"},
		{"parts = 1", "parts = 0", ERROR_BAD_DATA, "target.parts: is out of range"},
		{"threads = 2", "threads = 0", ERROR_BAD_DATA, "dump.threads"},
		{"\"UUID=1\"", "7", ERROR_BAD_DATA, "target.device: must be a text"},
		{"\t\t\"b.ko\"\n", "\t\t7\n", ERROR_BAD_DATA, "p:"},
		{"modules = [\n", "modules = (\n", ERROR_BAD_DATA, "p:"},
		{"verbose = 3", "@include \"/etc/passwd\"\nverbose = 3", ERROR_BAD_DATA, "includes no other file"},
		{"120000L", "99999999999999999999L", ERROR_BAD_DATA, "p:"},
	};

	for (size_t i = 0; i < array_size(rows); i++) {
		_cleanup_free_ char *text = changed(rows[i].from, rows[i].to);
		_cleanup_plan_ struct plan plan = {0};

		check_error(plan_parse(text, "p", &plan), rows[i].code, rows[i].words);
	}
}

// Cut off at each byte, it is an error or, at the very end, whole; never a crash.
static void truncated_text(void)
{
	for (size_t size = 0; size < sizeof(good) - 1; size++) {
		_cleanup_free_ char *text = strndup(good, size);
		_cleanup_plan_ struct plan plan = {0};
		struct error *err = plan_parse(text, "p", &plan);

		check(err || size >= sizeof(good) - 3);
		error_free(err);
	}
}

// Each byte replaced by some others: an error or a plan, never a crash.
static void damaged_text(void)
{
	static const char others[] = "\"{}[]();=,\\\n 0x\x80@#";

	for (size_t i = 0; i < sizeof(good) - 1; i++) {
		for (size_t j = 0; j < sizeof(others) - 1; j++) {
			_cleanup_free_ char *text = strdup(good);
			_cleanup_plan_ struct plan plan = {0};

			text[i] = others[j];
			error_free(plan_parse(text, "p", &plan));
		}
	}
}

static const struct test tests[] = {
	TEST(text_survives_a_round_trip),
	TEST(odd_bytes_survive),
	TEST(empty_list),
	TEST(wrong_values_are_named_with_their_line),
	TEST(truncated_text),
	TEST(damaged_text),
};

int main(int argc, char **argv)
{
	return test_main(tests, array_size(tests), argc, argv);
}
