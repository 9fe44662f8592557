// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * The text of a plan, for tests that need one and are not about it (test_plan.c): of Linux 6.1, with ext4 as the target. A new group
 * or key of plans is added here once.
 */
#ifndef FAKEPLAN_H
#define FAKEPLAN_H

/** The group "network" of a plan that needs none. */
#define FAKEPLAN_NO_NETWORK "modules = []; links = []; addresses = []; timeout_ms = 30000L; routes = [];"

/**
 * A plan.
 *
 * @param form "minimal" or "full".
 * @param network What stands in the group.
 * @param modules Elements of a list, such as "\"a.ko\"", as are those behind it: the kernel's modules; the target's files; the
 *		   watchdogs' modules; sessions of iSCSI; ways of notices; hooks' files.
 */
#define FAKEPLAN(form, network, modules, files, watchdogs, sessions, notices, hooks)                                   \
	("version = 1; form = \"" form "\"; hostname = \"n\";\n"                                                       \
	 "kernel = { version = \"6.1\"; image = \"/boot/vmlinuz-6.1\"; initrd = \"/var/lib/kdump/initrd\";\n"          \
	 "  command_line = \"c\"; kexec_options = \"\"; panic_notifiers = false; panic_on = []; modules = [" modules   \
	 "]; };\n"                                                                                                     \
	 "target = { device = \"UUID=1\"; fstype = \"ext4\"; options = \"\"; directory = \"/\"; files = [" files       \
	 "];\n"                                                                                                        \
	 "  parts = 1; timeout_ms = 1L;\n"                                                                             \
	 "  free_bytes = 0L; keep_old_dumps = 0; keep_max_bytes = 0L; keep_max_s = 0L; keep_min_free_bytes = 0L; };\n" \
	 "fallback = { devices = []; fstypes = []; options = []; directories = []; };\n"                               \
	 "watchdog = { modules = [" watchdogs "]; };\n"                                                                \
	 "network = { " network " };\n"                                                                                \
	 "iscsi = { sessions = [" sessions "]; };\n"                                                                   \
	 "crypt = { volumes = []; };\n"                                                                                \
	 "notify = { routes = [" notices "]; port = 7410; interval_ms = 10000L; };\n"                                  \
	 "dump = { level = 31; loop_count = 0; loop_s = 60; keep_processes = []; encrypt_to = []; format = "           \
	 "\"auto\";\n"                                                                                                 \
	 "  threads = 1; };\n"                                                                                         \
	 "hooks = { pre = []; transfer = []; post = []; emergency = []; files = [" hooks                               \
	 "]; timeout_ms = 60000L; };\n"                                                                                \
	 "action = { final = \"reboot\"; failure = \"reboot\"; deadline_ms = 1L; };\n"                                 \
	 "full = { dracut_modules = []; devices = []; retry_ms = 0L; };\n"                                             \
	 "verbose = 0;\n")

/** The same with nothing but a target. */
#define FAKEPLAN_PLAIN FAKEPLAN("minimal", FAKEPLAN_NO_NETWORK, "", "", "", "", "", "")

#endif
