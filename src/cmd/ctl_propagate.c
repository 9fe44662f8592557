// SPDX-License-Identifier: GPL-2.0-or-later
#include "cmd/ctl_propagate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "boot/changes.h"
#include "boot/remote.h"
#include "boot/ssh.h"
#include "boot/text.h"
#include "boot/words.h"
#include "cmd/ctl_ask.h"

enum { KEYGEN_TIMEOUT_MS = 120000, SCAN_TIMEOUT_MS = 60000, OUTPUT_BYTES = 64 * 1024, MODE_OWNER = 0600 };

#define PINNED_PATH "/run/kdump-known-hosts"

// One server.
struct propagate {
	const struct ctl *ctl;
	const struct config *config;
	struct remote_ssh server;
	char *name; // As known_hosts files have it.
	char *identity; // File of the private key.
	char *public_key; // One line.
	const char *known_hosts, *checking; // For ssh's options.
};

static struct error *no_memory(void)
{
	return error_new(ERROR_NOMEM, "no memory for ssh");
}

// Runs a program that asks nobody, and takes its output.
static struct error *run(const struct propagate *propagate, const char *const *argv, const char *input,
                         uint64_t timeout_ms, struct host_result *ret)
{
	struct host_command command = {
		.argv = argv, .input = input, .timeout_ms = timeout_ms, .output_max_bytes = OUTPUT_BYTES};

	return host_run(&propagate->ctl->host, &command, ret);
}

// As "ssh -y", which works also without the file NAME.pub.
static struct error *read_public(struct propagate *propagate)
{
	const char *const argv[] = {"ssh-keygen", "-y", "-P", "", "-f", propagate->identity, NULL};
	_cleanup_(host_result_deinit) struct host_result result = {0};
	struct error *err = run(propagate, argv, NULL, KEYGEN_TIMEOUT_MS, &result);

	if (err)
		return err;
	if (result.status != 0)
		return error_new(ERROR_CONFIG,
		                 "%s cannot be used: %s; after a crash nobody is there to type a passphrase",
		                 propagate->identity, text_last_line(result.output));
	result.output[strcspn(result.output, "\n")] = '\0';
	propagate->public_key = strdup(result.output);
	return propagate->public_key ? NULL : no_memory();
}

// RHEL's name and kind: what its servers took already is good here too.
static struct error *make_key(const struct propagate *propagate)
{
	const struct host *host = &propagate->ctl->host;
	_cleanup_free_ char *hostname = NULL, *comment = NULL;
	_cleanup_(host_result_deinit) struct host_result result = {0};
	struct error *err = host_read(host, "/proc/sys/kernel/hostname", 4096, &hostname, NULL);

	if (err)
		return err;
	if (asprintf(&comment, "kdump@%.*s", (int)strcspn(hostname, "\n"), hostname) < 0) {
		comment = NULL;
		return no_memory();
	}
	err = host_mkdirs(host, "/root/.ssh");
	if (!err) {
		const char *const argv[] = {"ssh-keygen", "-q", "-t", "rsa",   "-b", "3072",
		                            "-N",         "",   "-C", comment, "-f", propagate->identity,
		                            NULL};

		err = run(propagate, argv, NULL, KEYGEN_TIMEOUT_MS, &result);
	}
	if (!err && result.status != 0)
		err = error_new(ERROR_OS, "ssh-keygen: %s", text_last_line(result.output));
	if (!err)
		printf("made the key %s\n", propagate->identity);
	return err;
}

static struct error *find_key(struct propagate *propagate)
{
	const struct config *config = propagate->config;
	_cleanup_words_ struct words words = {0};
	struct error *err;

	words_split(&words, config_text(config, KEY_SSH_IDENTITY));
	err = words_check(&words);
	if (err)
		return err;
	propagate->identity = strdup(words.count ? words.list[0] : SSH_OWN_IDENTITY);
	if (!propagate->identity)
		return no_memory();
	if (*propagate->identity != '/')
		return error_new(ERROR_CONFIG, "%s: KDUMP_SSH_IDENTITY: allowed are absolute paths",
		                 config_where(config, KEY_SSH_IDENTITY));
	if (!host_exists(&propagate->ctl->host, propagate->identity))
		err = make_key(propagate);
	return err ? err : read_public(propagate);
}

// Whether a known_hosts file has a key of the server.
static struct error *is_known(const struct propagate *propagate, const char *path, bool *ret)
{
	const char *const argv[] = {"ssh-keygen", "-F", propagate->name, "-f", path, NULL};
	_cleanup_(host_result_deinit) struct host_result result = {0};
	struct error *err;

	if (!host_exists(&propagate->ctl->host, path))
		return NULL;
	err = run(propagate, argv, NULL, KEYGEN_TIMEOUT_MS, &result);
	if (!err && result.status == 0)
		*ret = true;
	return err;
}

// What the server says are its keys: only lines that are some come to a file of ours, whatever else it sent.
static struct error *scan(const struct propagate *propagate, struct text *keys)
{
	const char *const argv[] = {"ssh-keyscan",          "-T", "10", "-p", propagate->server.port,
	                            propagate->server.host, NULL};
	_cleanup_(host_result_deinit) struct host_result result = {0};
	struct error *err = run(propagate, argv, NULL, SCAN_TIMEOUT_MS, &result);
	char *rest = result.output, *line;

	if (err)
		return err;
	while ((line = strsep(&rest, "\n"))) {
		_cleanup_words_ struct words words = {0};

		words_split(&words, line);
		if (words.count == 3 && strcmp(words.list[0], propagate->name) == 0 &&
		    ssh_is_key(words.list[1], words.list[2]))
			text_add(keys, "%s %s %s\n", words.list[0], words.list[1], words.list[2]);
	}
	return keys->buf ? NULL
	                 : error_new(ERROR_OS, "%s port %s does not answer as a server of ssh", propagate->server.host,
	                             propagate->server.port);
}

static struct error *show_fingerprints(const struct propagate *propagate, const char *keys)
{
	static const char *const argv[] = {"ssh-keygen", "-l", "-f", "-", NULL};
	_cleanup_(host_result_deinit) struct host_result result = {0};
	struct error *err = run(propagate, argv, keys, KEYGEN_TIMEOUT_MS, &result);

	if (!err && result.status != 0)
		err = error_new(ERROR_OS, "ssh-keygen: %s", text_last_line(result.output));
	if (!err)
		printf("keys of %s:\n%s\n", propagate->name, result.output);
	return err;
}

static struct error *add_known(const struct propagate *propagate, const char *keys)
{
	const struct host *host = &propagate->ctl->host;
	_cleanup_text_ struct text text = {0};
	_cleanup_free_ char *before = NULL, *after = NULL;
	struct error *err = changes_read(host, SSH_KNOWN_HOSTS, &before);
	size_t size = before ? strlen(before) : 0;

	text_add(&text, "%s%s%s", before ? before : "", size && before[size - 1] != '\n' ? "\n" : "", keys);
	if (!err)
		err = text_take(&text, &after);
	if (err)
		return err;
	return before ? host_rewrite(host, SSH_KNOWN_HOSTS, after, strlen(after))
	              : host_replace(host, SSH_KNOWN_HOSTS, after, strlen(after), MODE_OWNER);
}

static struct error *pin(const struct propagate *propagate)
{
	_cleanup_text_ struct text keys = {0};
	bool is_right = ctl_options_has(&propagate->ctl->options, CTL_OPTION_YES);
	struct error *err = scan(propagate, &keys);

	if (!err)
		err = show_fingerprints(propagate, keys.buf);
	if (!err && !is_right)
		err = ctl_ask_check("compare the fingerprints above with the server's, then give --yes");
	if (!err && !is_right)
		err = ctl_ask_yes("Are these the server's? They are trusted from now on, also after a crash.",
		                  &is_right);
	if (!err && !is_right)
		err = error_new(ERROR_CANCELED, "nothing is trusted, and no key was put there");
	if (!err)
		err = add_known(propagate, keys.buf);
	if (!err)
		printf("%s has them now\n", SSH_KNOWN_HOSTS);
	return err;
}

// KDUMP_HOST_KEY, as a file that ssh reads.
static struct error *use_configured(struct propagate *propagate)
{
	_cleanup_words_ struct words words = {0};
	_cleanup_text_ struct text text = {0};

	words_split(&words, config_text(propagate->config, KEY_HOST_KEY));
	if (words.count == 1 && strcmp(words.list[0], SSH_ANY_HOST_KEY) == 0) {
		propagate->checking = "StrictHostKeyChecking=no";
		propagate->known_hosts = "UserKnownHostsFile=/dev/null";
		return NULL;
	}
	for (size_t i = 0; i + 1 < words.count; i += 2)
		text_add(&text, "* %s %s\n", words.list[i], words.list[i + 1]);
	propagate->known_hosts = "UserKnownHostsFile=" PINNED_PATH;
	if (words.is_failed || text.is_failed || !text.buf)
		return no_memory();
	return host_replace(&propagate->ctl->host, PINNED_PATH, text.buf, text.size_bytes, MODE_OWNER);
}

static struct error *trust(struct propagate *propagate)
{
	static const char *const files[] = {SSH_KNOWN_HOSTS, SSH_SYSTEM_KNOWN_HOSTS};
	bool is_there = false;
	struct error *err = NULL;

	propagate->checking = "StrictHostKeyChecking=yes";
	propagate->known_hosts = "UserKnownHostsFile=" SSH_KNOWN_HOSTS;
	if (*config_text(propagate->config, KEY_HOST_KEY))
		return use_configured(propagate);
	for (size_t i = 0; i < array_size(files) && !err; i++)
		err = is_known(propagate, files[i], &is_there);
	return err || is_there ? err : pin(propagate);
}

// Whether a capture would get in: with our key alone, to the part of the server that it speaks to.
static struct error *try_key(const struct propagate *propagate, bool *ret)
{
	const char *const argv[] = {"ssh",
	                            "-o",
	                            "BatchMode=yes",
	                            "-o",
	                            "IdentitiesOnly=yes",
	                            "-o",
	                            "ConnectTimeout=20",
	                            "-o",
	                            propagate->checking,
	                            "-o",
	                            propagate->known_hosts,
	                            "-i",
	                            propagate->identity,
	                            "-p",
	                            propagate->server.port,
	                            "-l",
	                            propagate->server.user,
	                            "-s",
	                            propagate->server.host,
	                            "sftp",
	                            NULL};
	_cleanup_(host_result_deinit) struct host_result result = {0};
	struct error *err = run(propagate, argv, NULL, SCAN_TIMEOUT_MS, &result);

	if (err)
		return err;
	*ret = result.status == 0;
	// A wrong host key is not to be mended with a password.
	if (result.output && strstr(result.output, "Host key verification failed"))
		return error_new(
			ERROR_CONFIG,
			"%s has another key than the one that is known: either it was set up anew, then ssh-keygen -R "
			"%s removes the old one, or somebody else answers",
			propagate->name, propagate->name);
	return NULL;
}

// As the person who is at the terminal: an agent's keys, a password.
static struct error *install(const struct propagate *propagate)
{
	static const char remote[] =
		"umask 077; mkdir -p .ssh && touch .ssh/authorized_keys && read -r key && "
		"{ grep -qxF \"$key\" .ssh/authorized_keys || printf '%s\\n' \"$key\" >>.ssh/authorized_keys; }";
	static const char *const passed[] = {"SSH_AUTH_SOCK", "SSH_ASKPASS", "SSH_ASKPASS_REQUIRE", "DISPLAY"};
	const char *const argv[] = {"ssh",
	                            "-o",
	                            propagate->checking,
	                            "-o",
	                            propagate->known_hosts,
	                            "-p",
	                            propagate->server.port,
	                            "-l",
	                            propagate->server.user,
	                            propagate->server.host,
	                            remote,
	                            NULL};
	_cleanup_(host_result_deinit) struct host_result result = {0};
	_cleanup_words_ struct words environment = {0};
	_cleanup_free_ char *input = NULL;
	struct host_command command = {.argv = argv, .is_foreground = true};
	struct error *err;

	for (size_t i = 0; i < array_size(passed); i++)
		if (getenv(passed[i]))
			words_addf(&environment, "%s=%s", passed[i], getenv(passed[i]));
	err = words_check(&environment);
	if (err)
		return err;
	if (asprintf(&input, "%s\n", propagate->public_key) < 0) {
		input = NULL;
		return no_memory();
	}
	command.input = input;
	command.environment = (const char *const *)environment.list;
	fflush(stdout);
	err = host_run(&propagate->ctl->host, &command, &result);
	if (!err && result.status != 0)
		err = error_new(
			ERROR_OS,
			"the key could not be put there; add this line to authorized_keys of %s on %s by hand: %s",
			propagate->server.user, propagate->server.host, propagate->public_key);
	return err;
}

static struct error *propagate_key(struct propagate *propagate)
{
	const struct remote_ssh *server = &propagate->server;
	bool is_working = false, was_working;
	struct error *err = find_key(propagate);

	if (!err)
		err = trust(propagate);
	if (!err)
		err = try_key(propagate, &is_working);
	was_working = is_working;
	if (!err && !is_working)
		err = install(propagate);
	if (!err && !is_working)
		err = try_key(propagate, &is_working);
	if (!err && !is_working)
		err = error_new(ERROR_OS, "%s has the key, but does not let %s in with it, or has no SFTP",
		                server->host, server->user);
	if (!err)
		printf("%s@%s %s %s\n", server->user, server->host, was_working ? "takes already" : "takes",
		       propagate->identity);
	return err;
}

static struct error *propagate_to(const struct ctl *ctl, const struct config *config, const char *url)
{
	struct propagate propagate = {.ctl = ctl, .config = config};
	struct error *err = remote_ssh(url, &propagate.server);
	bool is_usual = !err && strcmp(propagate.server.port, "22") == 0;

	if (!err &&
	    asprintf(&propagate.name, is_usual ? "%s" : "[%s]:%s", propagate.server.host, propagate.server.port) < 0) {
		propagate.name = NULL;
		err = no_memory();
	}
	if (!err)
		err = error_wrap(propagate_key(&propagate), "%s", propagate.server.host);
	error_free(host_exists(&ctl->host, PINNED_PATH) ? host_remove(&ctl->host, PINNED_PATH) : NULL);
	remote_ssh_deinit(&propagate.server);
	free(propagate.name);
	free(propagate.identity);
	free(propagate.public_key);
	return err;
}

static bool is_ssh(const char *word)
{
	return strncmp(word, "ssh://", 6) == 0 || strncmp(word, "sftp://", 7) == 0;
}

struct error *ctl_propagate(const struct ctl *ctl, int *exit_ret)
{
	_cleanup_config_ struct config config = {0};
	_cleanup_words_ struct words places = {0};
	struct error *err = ctl_load_config(ctl, &config);
	size_t count = 0;

	(void)exit_ret;
	if (err)
		return err;
	words_add(&places, config_text(&config, KEY_SAVEDIR));
	words_split(&places, config_text(&config, KEY_FALLBACK));
	err = words_check(&places);
	for (size_t i = 0; i < places.count && !err; i++) {
		words_unquote(places.list[i]);
		if (!is_ssh(places.list[i]))
			continue;
		err = propagate_to(ctl, &config, places.list[i]);
		count++;
	}
	if (!err && !count)
		err = error_new(ERROR_CONFIG, "neither KDUMP_SAVEDIR nor KDUMP_FALLBACK names a server of ssh or sftp");
	return err ? err : ctl_flush("what was done");
}
