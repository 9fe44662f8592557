// SPDX-License-Identifier: GPL-2.0-or-later
// Debian's and Ubuntu's /etc/default/kdump-tools: kdump-tools(5) and kdump-config of kdump-tools 1.8 and 1.10.
#include "boot/import_debian.h"

#include <stdio.h>
#include <string.h>

#include "boot/assignment.h"
#include "boot/import_makedumpfile.h"

// What one variable has; the last one counts, as in a shell.
struct variable {
	unsigned int number; // Line; 0: it is not there.
	char *value;
};

enum name {
	USE_KDUMP,
	SYSCTL,
	KERNEL,
	INITRD,
	COREDIR,
	FAIL_CMD,
	DUMP_DMESG,
	NUM_DUMPS,
	COMPRESSION,
	MAKEDUMP_ARGS,
	KEXEC_ARGS,
	CMDLINE,
	CMDLINE_APPEND,
	HOSTTAG,
	NFS,
	NFS_TIMEO,
	NFS_RETRANS,
	NFS_MOUNT_RETRY,
	FTP,
	FTP_USER,
	FTP_PASSWORD,
	FTP_PORT,
	SSH,
	SSH_KEY,
	SSH_RETRY,
	DEBUG_KERNEL,
	NAMES,
};

static const char *const names[NAMES] = {
	[USE_KDUMP] = "USE_KDUMP",
	[SYSCTL] = "KDUMP_SYSCTL",
	[KERNEL] = "KDUMP_KERNEL",
	[INITRD] = "KDUMP_INITRD",
	[COREDIR] = "KDUMP_COREDIR",
	[FAIL_CMD] = "KDUMP_FAIL_CMD",
	[DUMP_DMESG] = "KDUMP_DUMP_DMESG",
	[NUM_DUMPS] = "KDUMP_NUM_DUMPS",
	[COMPRESSION] = "KDUMP_COMPRESSION",
	[MAKEDUMP_ARGS] = "MAKEDUMP_ARGS",
	[KEXEC_ARGS] = "KDUMP_KEXEC_ARGS",
	[CMDLINE] = "KDUMP_CMDLINE",
	[CMDLINE_APPEND] = "KDUMP_CMDLINE_APPEND",
	[HOSTTAG] = "HOSTTAG",
	[NFS] = "NFS",
	[NFS_TIMEO] = "NFS_TIMEO",
	[NFS_RETRANS] = "NFS_RETRANS",
	[NFS_MOUNT_RETRY] = "NFS_MOUNT_RETRY",
	[FTP] = "FTP",
	[FTP_USER] = "FTP_USER",
	[FTP_PASSWORD] = "FTP_PASSWORD",
	[FTP_PORT] = "FTP_PORT",
	[SSH] = "SSH",
	[SSH_KEY] = "SSH_KEY",
	[SSH_RETRY] = "SSH_KDUMP_RETRY",
	[DEBUG_KERNEL] = "DEBUG_KERNEL",
};

// kdump-config waits so long between two tries.
enum { SSH_RETRY_S = 3, RETRY_MAX = 1000, NUM_DUMPS_MAX = 1000000 };

struct debian {
	struct imported *import;
	struct variable variables[NAMES];
};

static struct imported_line line_of(const struct debian *debian, enum name name)
{
	return (struct imported_line){
		.number = debian->variables[name].number,
		.word = names[name],
		.value = debian->variables[name].value,
	};
}

// An empty value is the default of each of them.
static bool is_set(const struct debian *debian, enum name name)
{
	return debian->variables[name].value && *debian->variables[name].value;
}

static void note(struct debian *debian, enum name name, const char *text)
{
	struct imported_line line = line_of(debian, name);

	if (is_set(debian, name))
		imported_note(debian->import, &line, "%s", text);
}

static void copy(struct debian *debian, enum name name, enum config_key key)
{
	struct imported_line line = line_of(debian, name);

	if (is_set(debian, name))
		imported_set(debian->import, &line, key, "%s", line.value);
}

// Takes a number that fits; else a note says so.
static bool take_number(struct debian *debian, enum name name, unsigned long max, unsigned long *ret)
{
	struct imported_line line = line_of(debian, name);
	unsigned long number;

	if (!is_set(debian, name))
		return false;
	number = strlen(line.value) < 10 ? strtoul(line.value, NULL, 10) : max + 1;
	if (line.value[strspn(line.value, "0123456789")] || number > max) {
		imported_note(debian->import, &line, "\"%s\" is no number up to %lu", line.value, max);
		return false;
	}
	*ret = number;
	return true;
}

static void take_panic(struct debian *debian)
{
	static const struct {
		const char *setting, *word;
	} settings[] = {
		{"kernel.panic_on_oops=1", "oops"},          {"kernel.softlockup_panic=1", "softlockup"},
		{"kernel.hardlockup_panic=1", "hardlockup"}, {"kernel.hung_task_panic=1", "hungtask"},
		{"kernel.unknown_nmi_panic=1", "nmi"},       {"kernel.panic_on_unrecovered_nmi=1", "nmi"},
	};
	static const struct imported_line loader = {.word = "kdump-config load, which sets kernel.panic_on_oops=1"};
	struct imported_line line = line_of(debian, SYSCTL);
	_cleanup_words_ struct words words = {0}, taken = {0};

	words_split(&words, is_set(debian, SYSCTL) ? line.value : "");
	imported_set(debian->import, &loader, KEY_PANIC_ON, "oops");
	words_add(&taken, "oops");
	for (size_t i = 0; i < words.count; i++) {
		const char *word = NULL;

		for (size_t j = 0; j < array_size(settings); j++)
			if (strcmp(settings[j].setting, words.list[i]) == 0)
				word = settings[j].word;
		if (!word)
			imported_note(debian->import, &line, "%s belongs into a file of /etc/sysctl.d", words.list[i]);
		else if (!words_has(&taken, word))
			imported_append(debian->import, &line, KEY_PANIC_ON, "%s", word);
		if (word)
			words_add(&taken, word);
	}
	debian->import->is_failed |= words.is_failed || taken.is_failed;
}

static void take_kernel(struct debian *debian)
{
	struct imported_line line = line_of(debian, USE_KDUMP);

	if (is_set(debian, USE_KDUMP) && strcmp(line.value, "1") != 0)
		imported_note(debian->import, &line, "it is off; systemctl disable kdump does that");
	// The links that its hook makes: to the newest kernel.
	if (is_set(debian, KERNEL) && strcmp(debian->variables[KERNEL].value, "/var/lib/kdump/vmlinuz") != 0)
		copy(debian, KERNEL, KEY_KERNELVER);
	if (is_set(debian, INITRD) && strcmp(debian->variables[INITRD].value, "/var/lib/kdump/initrd.img") != 0)
		note(debian, INITRD, "the capture initramfs is always our own, /var/lib/kdump/initrd");
	copy(debian, KEXEC_ARGS, KEY_KEXEC_OPTIONS);
	copy(debian, CMDLINE, KEY_COMMANDLINE);
}

// What its capture needs and ours does not, or sets by itself.
static bool is_usual(const char *word)
{
	static const char *const usual[] = {"reset_devices", "irqpoll", "usbcore.nousb", "nousb", NULL};

	for (size_t i = 0; usual[i]; i++)
		if (strcmp(word, usual[i]) == 0)
			return true;
	return strncmp(word, "systemd.unit=", 13) == 0;
}

static void take_append(struct debian *debian)
{
	struct imported_line line = line_of(debian, CMDLINE_APPEND);
	_cleanup_words_ struct words words = {0};

	words_split(&words, is_set(debian, CMDLINE_APPEND) ? line.value : "");
	for (size_t i = 0; i < words.count; i++) {
		const char *word = words.list[i], *number = word + strlen("nr_cpus=");

		if (strncmp(word, "nr_cpus=", strlen("nr_cpus=")) == 0 && *number && strlen(number) < 5 &&
		    !number[strspn(number, "0123456789")])
			imported_set(debian->import, &line, KEY_CPUS, "%s", number);
		else if (!is_usual(word))
			imported_append(debian->import, &line, KEY_COMMANDLINE_APPEND, "%s", word);
	}
	debian->import->is_failed |= words.is_failed;
}

static void take_fail_command(struct debian *debian)
{
	struct imported_line line = line_of(debian, FAIL_CMD);
	static const char *const actions[] = {"reboot", "halt", "poweroff", NULL};

	if (!is_set(debian, FAIL_CMD))
		return;
	for (size_t i = 0; actions[i]; i++) {
		size_t size = strlen(actions[i]);

		if (strncmp(line.value, actions[i], size) == 0 &&
		    (!line.value[size] || strcmp(line.value + size, " -f") == 0)) {
			imported_set(debian->import, &line, KEY_FAILURE_ACTION, "%s", actions[i]);
			return;
		}
	}
	if (strstr(line.value, "/bin/bash") || strstr(line.value, "/bin/sh") || strcmp(line.value, "bash") == 0) {
		imported_set(debian->import, &line, KEY_FAILURE_ACTION, "shell");
		imported_note(debian->import, &line,
		              "of it only the shell is taken over; the machine restarts when it ends");
		return;
	}
	imported_note(
		debian->import, &line,
		"a program that is to run after a failure is put into /etc/kdump/emergency.d; KDUMP_FAILURE_ACTION "
		"says "
		"what the machine does then");
}

static void take_dump(struct debian *debian)
{
	struct imported_line line = line_of(debian, MAKEDUMP_ARGS);
	unsigned long count;

	if (is_set(debian, MAKEDUMP_ARGS))
		import_makedumpfile(debian->import, &line, line.value);
	note(debian, COMPRESSION, "a dump is compressed page by page as KDUMP_DUMPFORMAT says, and not once more");
	if (is_set(debian, DUMP_DMESG) && strcmp(debian->variables[DUMP_DMESG].value, "1") != 0)
		note(debian, DUMP_DMESG, "the kernel's log is always saved, before the memory");
	line = line_of(debian, NUM_DUMPS);
	// Theirs counts the new one too; for us 0 is "all", and -1 "none".
	if (take_number(debian, NUM_DUMPS, NUM_DUMPS_MAX, &count) && count > 0)
		imported_set(debian->import, &line, KEY_KEEP_OLD_DUMPS, "%ld", count == 1 ? -1 : (long)count - 1);
	note(debian, HOSTTAG, "names of dumps begin with the name of the host");
	note(debian, DEBUG_KERNEL, "it has no effect there, and none here");
}

// "HOST[:PATH]", and what belongs to it.
static char *ftp_url(struct debian *debian)
{
	const char *place = debian->variables[FTP].value, *colon = strchr(place, ':');
	const char *user = is_set(debian, FTP_USER) ? debian->variables[FTP_USER].value : "";
	const char *password = is_set(debian, FTP_PASSWORD) ? debian->variables[FTP_PASSWORD].value : "";
	_cleanup_free_ char *host = strndup(place, strcspn(place, ":")),
			    *path = imported_encode(colon ? colon + 1 : "/");
	_cleanup_free_ char *user_part = imported_encode(user), *password_part = imported_encode(password);
	unsigned long port = 0;
	bool has_port = take_number(debian, FTP_PORT, 65535, &port) && port != 21;
	char port_part[16] = "", *url;

	if (has_port)
		snprintf(port_part, sizeof(port_part), ":%lu", port);
	if (!host || !path || !user_part || !password_part ||
	    asprintf(&url, "ftp://%s%s%s%s%s%s%s%s", user_part, *user && *password ? ":" : "",
	             *user ? password_part : "", *user ? "@" : "", host, port_part, *path == '/' ? "" : "/", path) < 0)
		return NULL;
	debian->import->has_secret |= *user && *password;
	return url;
}

static char *nfs_url(struct debian *debian)
{
	_cleanup_free_ char *server = NULL, *path = NULL;
	struct imported_line line = line_of(debian, NFS);

	// It mounts the place upon KDUMP_COREDIR, so that nothing comes behind it.
	if (imported_split_nfs(line.value, &server, &path))
		return server && path ? imported_url("nfs", server, path, "") : NULL;
	imported_note(debian->import, &line, "\"%s\" is no HOST:/PATH", line.value);
	return strdup("");
}

static const char *directory(const struct debian *debian)
{
	return is_set(debian, COREDIR) ? debian->variables[COREDIR].value : "/var/crash";
}

static char *url_of(struct debian *debian, enum name name)
{
	if (name == FTP)
		return ftp_url(debian);
	if (name == NFS)
		return nfs_url(debian);
	return imported_url("ssh", debian->variables[SSH].value, directory(debian), "");
}

// All that are named get a copy there, in this order; here the first, and if it fails the next.
static void take_places(struct debian *debian)
{
	static const enum name order[] = {FTP, SSH, NFS};
	bool has_place = false;

	for (size_t i = 0; i < array_size(order); i++) {
		struct imported_line line = line_of(debian, order[i]);
		_cleanup_free_ char *url = is_set(debian, order[i]) ? url_of(debian, order[i]) : strdup("");

		if (!url) {
			debian->import->is_failed = true;
		} else if (*url && !has_place) {
			imported_set(debian->import, &line, KEY_SAVEDIR, "%s", url);
			has_place = true;
		} else if (*url) {
			imported_append(debian->import, &line, KEY_FALLBACK, "%s", url);
			imported_note(debian->import, &line,
			              "a dump goes to one place: this one is used if the one before it fails");
		}
	}
	if (!has_place)
		copy(debian, COREDIR, KEY_SAVEDIR);
}

static void take_network(struct debian *debian)
{
	struct imported_line line = line_of(debian, SSH_RETRY);
	unsigned long count;

	copy(debian, SSH_KEY, KEY_SSH_IDENTITY);
	if (take_number(debian, SSH_RETRY, RETRY_MAX, &count))
		imported_set(debian->import, &line, KEY_NET_TIMEOUT, "%lu", count * SSH_RETRY_S);
	note(debian, NFS_TIMEO,
	     "KDUMP_NET_TIMEOUT says how long a server is waited for, KDUMP_DEADLINE how long a dump may take");
	note(debian, NFS_RETRANS, "KDUMP_NET_TIMEOUT says how long a server is waited for");
	note(debian, NFS_MOUNT_RETRY, "KDUMP_NET_TIMEOUT says how long a server is waited for");
}

static int find_name(const struct assignment *assignment)
{
	for (int i = 0; i < NAMES; i++)
		if (strlen(names[i]) == assignment->name_bytes &&
		    strncmp(names[i], assignment->name, assignment->name_bytes) == 0)
			return i;
	return -1;
}

static void take_line(struct debian *debian, char *text, unsigned int number)
{
	struct imported_line line = {.number = number, .word = "not understood"};
	struct assignment assignment;
	const char *wrong;
	int name;

	text += strspn(text, " \t");
	if (!*text || *text == '#' || *text == '\r')
		return;
	wrong = assignment_parse(text, &assignment);
	name = assignment.name ? find_name(&assignment) : -1;
	if (!wrong && text[strlen(text) - 1] == '\\')
		wrong = "it goes on in the next line";
	if (!wrong && assignment.has_expansion)
		wrong = "a shell would put something else in the place of $ or `, and the file is not executed";
	if (!wrong && name < 0)
		wrong = "this variable has no meaning for kdump-tools";
	if (wrong) {
		imported_note(debian->import, &line, "%s", wrong);
		return;
	}
	free(debian->variables[name].value);
	debian->variables[name] = (struct variable){.number = number, .value = assignment_text(&assignment)};
	if (!debian->variables[name].value)
		debian->import->is_failed = true;
}

struct error *import_debian(const char *text, struct imported *import)
{
	_cleanup_free_ char *lines = strdup(text);
	struct debian debian = {.import = import};
	char *rest = lines, *row;

	if (!lines)
		return error_new(ERROR_NOMEM, "no memory for the import");
	for (unsigned int number = 1; (row = strsep(&rest, "\n")); number++)
		take_line(&debian, row, number);
	take_panic(&debian);
	take_kernel(&debian);
	take_append(&debian);
	take_fail_command(&debian);
	take_dump(&debian);
	take_places(&debian);
	take_network(&debian);
	for (int i = 0; i < NAMES; i++)
		free(debian.variables[i].value);
	return NULL;
}
