// SPDX-License-Identifier: GPL-2.0-or-later
#include "boot/ssh.h"

#include <stdio.h>
#include <string.h>

enum { KEYGEN_TIMEOUT_MS = 30000, KEYGEN_OUTPUT_BYTES = 64 * 1024 };

static const char ssh_program[] = "/usr/bin/ssh";

// "type base64" of a key. Both are words of the plan.
bool ssh_is_key(const char *type, const char *key)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
	size_t size = strspn(key, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+/=");

	return strspn(type, letters) > 0 && !type[strcspn(type, ",\" \t")] && size > 16 && !key[size];
}

static struct error *configured_keys(const struct config *config, struct text *options, bool *is_set_ret)
{
	_cleanup_words_ struct words words = {0};

	words_split(&words, config_text(config, KEY_HOST_KEY));
	*is_set_ret = words.count;
	if (words.count == 1 && strcmp(words.list[0], SSH_ANY_HOST_KEY) == 0) {
		text_add(options, ",hostkey=" SSH_ANY_HOST_KEY);
		return NULL;
	}
	for (size_t i = 0; i < words.count; i += 2) {
		if (i + 1 == words.count || !ssh_is_key(words.list[i], words.list[i + 1]))
			return error_new(ERROR_CONFIG,
			                 "%s: KDUMP_HOST_KEY: \"%s\" is no host key, allowed is \"TYPE BASE64\", as "
			                 "ssh-keyscan prints it, or *",
			                 config_where(config, KEY_HOST_KEY), words.list[i]);
		text_add(options, ",hostkey=%s %s", words.list[i], words.list[i + 1]);
	}
	return words_check(&words);
}

// Lines "NAMES TYPE KEY" of a known_hosts file, as ssh-keygen -F prints them; a mark before them (@revoked) is not for us.
static size_t add_known(char *lines, struct text *options)
{
	size_t count = 0;
	char *line;

	while ((line = strsep(&lines, "\n"))) {
		_cleanup_words_ struct words words = {0};

		if (*line == '#' || *line == '@')
			continue;
		words_split(&words, line);
		if (words.count < 3 || !ssh_is_key(words.list[1], words.list[2]))
			continue;
		text_add(options, ",hostkey=%s %s", words.list[1], words.list[2]);
		count++;
	}
	return count;
}

static struct error *known_keys(const struct host *host, const char *server, const char *port, struct text *options)
{
	static const char *const files[] = {SSH_KNOWN_HOSTS, SSH_SYSTEM_KNOWN_HOSTS};
	_cleanup_free_ char *name = NULL;
	bool is_usual = !*port || strcmp(port, "22") == 0;
	size_t count = 0;

	if (asprintf(&name, is_usual ? "%s" : "[%s]:%s", server, port) < 0) {
		name = NULL;
		return error_new(ERROR_NOMEM, "no memory for a name");
	}
	for (size_t i = 0; i < array_size(files); i++) {
		const char *const argv[] = {"ssh-keygen", "-F", name, "-f", files[i], NULL};
		struct host_command command = {
			.argv = argv, .timeout_ms = KEYGEN_TIMEOUT_MS, .output_max_bytes = KEYGEN_OUTPUT_BYTES};
		_cleanup_(host_result_deinit) struct host_result result = {0};
		struct error *err = host_exists(host, files[i]) ? host_run(host, &command, &result) : NULL;

		if (err)
			return error_wrap(err, "host key of %s", server);
		if (result.output)
			count += add_known(result.output, options);
	}
	if (count)
		return NULL;
	return error_new(
		ERROR_CONFIG,
		"the host key of %s is not known: kdumpctl propagate shows it and keeps it, or set KDUMP_HOST_KEY",
		name);
}

// A key without a passphrase.
static struct error *check_identity(const struct host *host, const char *path)
{
	const char *const argv[] = {"ssh-keygen", "-y", "-P", "", "-f", path, NULL};
	struct host_command command = {
		.argv = argv, .timeout_ms = KEYGEN_TIMEOUT_MS, .output_max_bytes = KEYGEN_OUTPUT_BYTES};
	_cleanup_(host_result_deinit) struct host_result result = {0};
	struct error *err = host_run(host, &command, &result);

	if (!err && result.status != 0)
		err = error_new(ERROR_CONFIG,
		                "%s cannot be used: %s; after a crash nobody is there to type a passphrase", path,
		                text_last_line(result.output));
	return err;
}

static struct error *add_identity(const struct host *host, const char *path, struct text *options, struct words *files)
{
	struct error *err;

	if (*path != '/' || strpbrk(path, ",\" \t\\"))
		return error_new(ERROR_CONFIG,
		                 "\"%s\" is wrong, allowed is an absolute path without blanks, commas and quotes",
		                 path);
	if (!host_exists(host, path))
		return error_new(ERROR_CONFIG, "%s is not there", path);
	err = check_identity(host, path);
	text_add(options, ",identity=%s", path);
	words_add(files, path);
	return err;
}

static struct error *find_identities(const struct host *host, const struct config *config, struct text *options,
                                     struct words *files)
{
	static const char *const usual[] = {SSH_OWN_IDENTITY, "/root/.ssh/id_rsa", "/root/.ssh/id_ecdsa",
	                                    "/root/.ssh/id_ed25519"};
	_cleanup_words_ struct words words = {0};
	struct error *err = NULL;
	size_t count = 0;

	words_split(&words, config_text(config, KEY_SSH_IDENTITY));
	for (size_t i = 0; i < words.count && !err; i++, count++)
		err = error_wrap(add_identity(host, words.list[i], options, files), "%s: KDUMP_SSH_IDENTITY",
		                 config_where(config, KEY_SSH_IDENTITY));
	for (size_t i = 0; i < array_size(usual) && !err && !words.count; i++) {
		// One that cannot be used is no loss if another one can.
		struct error *unusable = host_exists(host, usual[i]) ? check_identity(host, usual[i]) : NULL;

		if (unusable && unusable->code != ERROR_CONFIG)
			return unusable;
		if (!unusable && host_exists(host, usual[i])) {
			err = add_identity(host, usual[i], options, files);
			count++;
		}
		error_free(unusable);
	}
	if (!err && !count)
		err = error_new(ERROR_CONFIG,
		                "there is no key for ssh in /root/.ssh that needs no passphrase; make one with "
		                "ssh-keygen and name it in KDUMP_SSH_IDENTITY");
	return err ? err : words_check(&words);
}

struct error *ssh_find(const struct host *host, const struct config *config, const char *server, const char *port,
                       struct text *options, struct words *files)
{
	bool is_set = false;
	struct error *err = NULL;

	if (!host_exists(host, ssh_program))
		return error_new(ERROR_CONFIG, "there is no program %s; install the package openssh-client",
		                 ssh_program);
	words_add(files, ssh_program);
	err = configured_keys(config, options, &is_set);
	if (!err && !is_set)
		err = known_keys(host, server, port, options);
	if (!err)
		err = find_identities(host, config, options, files);
	return err ? err : words_check(files);
}
