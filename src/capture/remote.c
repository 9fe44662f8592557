// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/remote.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "boot/remote.h"
#include "boot/ssh.h"
#include "boot/words.h"
#include "capture/events.h"
#include "capture/process.h"
#include "capture/sftp.h"
#include "base/sha256.h"

enum {
	// What a program says on its way out.
	WORDS_BYTES = 2048,
	// A host key of 16,384 bits has 2,740 digits.
	OPTION_BYTES = 4096,
	// To end by itself when nobody talks to it any more.
	END_MS = 5000,
	RETRY_MS = 1000,
	PIECE_BYTES = 256 << 10,
	HASH_DIGITS = 64,
	// Kept back from the deadline when a checksum is waited for: without one a dump is as good as any other.
	SEAL_MS = 15000,
};

// By this name the server's keys are found, whatever its address is.
#define ALIAS "kdump-target"

struct remote {
	pid_t pid;
	int in_fd, out_fd, words_fd, keys_fd;
	struct sftp *sftp;
	struct log *log; // For what the program says; NULL: nobody listens.
};

bool remote_is_upload(const struct plan_target *place)
{
	return strcmp(place->fstype, PLAN_SEND) == 0;
}

// Options of a target in the plan, one by one: "key=value" or "key".
static bool next_option(const char **at, char option[OPTION_BYTES], const char **value_ret)
{
	size_t size = strcspn(*at, ",");
	char *equals;

	if (!**at)
		return false;
	snprintf(option, OPTION_BYTES, "%.*s", (int)size, *at);
	*at += size + ((*at)[size] == ',');
	equals = strchr(option, '=');
	*value_ret = equals ? equals + 1 : "";
	if (equals)
		*equals = '\0';
	return true;
}

static bool has_shell(const struct plan_target *place)
{
	const char *at = place->options, *value;
	char option[OPTION_BYTES];

	while (next_option(&at, option, &value))
		if (strcmp(option, "shell") == 0)
			return true;
	return false;
}

// Lines of known_hosts, in memory: the program finds them as a file of ours.
static struct error *write_keys(const struct plan_target *place, int *fd_ret)
{
	_cleanup_close_ int fd = memfd_create("known_hosts", MFD_CLOEXEC);
	const char *at = place->options, *value;
	char option[OPTION_BYTES];
	struct error *err = fd < 0 ? error_os(errno, "no memory for host keys") : NULL;

	while (!err && next_option(&at, option, &value)) {
		char line[OPTION_BYTES + sizeof(ALIAS) + 2];

		if (strcmp(option, "hostkey") != 0)
			continue;
		snprintf(line, sizeof(line), ALIAS " %s\n", value);
		err = io_write(fd, line, strlen(line));
	}
	if (!err)
		*fd_ret = take_fd(&fd);
	return err;
}

// The program for a server that is reached by ssh. It must never ask anybody, and never wait for a server that is gone.
// command: what is run on the server; NULL: its server of files.
static struct error *ssh_words(const struct plan_target *place, int keys_fd, const char *command, struct words *words)
{
	static const char *const fixed[] = {
		"/usr/bin/ssh",
		"-F",
		"none",
		"-T",
		"-x",
		"-a",
		"-oBatchMode=yes",
		"-oCheckHostIP=no",
		"-oGlobalKnownHostsFile=/dev/null",
		"-oUpdateHostKeys=no",
		"-oIdentitiesOnly=yes",
		"-oPreferredAuthentications=publickey",
		"-oConnectTimeout=15",
		"-oServerAliveInterval=10",
		"-oServerAliveCountMax=6",
		"-oControlPath=none",
		"-oCompression=no",
		"-oLogLevel=ERROR",
	};
	const char *at = place->options, *value;
	char option[OPTION_BYTES], address[OPTION_BYTES] = "";
	bool is_any = false;

	for (size_t i = 0; i < array_size(fixed); i++)
		words_add(words, fixed[i]);
	words_add(words, "-oHostKeyAlias=" ALIAS);
	while (next_option(&at, option, &value)) {
		if (strcmp(option, "identity") == 0)
			words_addf(words, "-oIdentityFile=%s", value);
		else if (strcmp(option, "port") == 0)
			words_addf(words, "-oPort=%s", value);
		else if (strcmp(option, "user") == 0)
			words_addf(words, "-oUser=%s", value);
		else if (strcmp(option, "address") == 0)
			snprintf(address, sizeof(address), "%s", value);
		else if (strcmp(option, "hostkey") == 0)
			is_any |= strcmp(value, SSH_ANY_HOST_KEY) == 0;
	}
	words_add(words, is_any ? "-oStrictHostKeyChecking=no" : "-oStrictHostKeyChecking=yes");
	if (is_any)
		words_add(words, "-oUserKnownHostsFile=/dev/null");
	else
		words_addf(words, "-oUserKnownHostsFile=/proc/%d/fd/%d", (int)getpid(), keys_fd);
	if (!command)
		words_add(words, "-s");
	words_add(words, "--");
	words_add(words, address);
	words_add(words, command ? command : "sftp");
	return *address ? words_check(words)
	                : error_new(ERROR_BAD_DATA, "the plan has no address of %s", place->device);
}

// parent: us. What nobody talks to any more must not disturb who comes next.
static __attribute__((noreturn)) void run_program(char *const *argv, pid_t parent, int in_fd, int out_fd, int words_fd)
{
	char path[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin", home[] = "HOME=/root", lang[] = "LANG=C";
	char *environment[] = {path, home, lang, NULL};

	if (dup2(in_fd, STDIN_FILENO) < 0 || dup2(out_fd, STDOUT_FILENO) < 0 || dup2(words_fd, STDERR_FILENO) < 0)
		_exit(127);
	signal(SIGPIPE, SIG_DFL);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(127);
	execve(argv[0], argv, environment);
	dprintf(STDERR_FILENO, "%s: %s\n", argv[0], strerror(errno));
	_exit(127);
}

static struct error *start(char *const *argv, struct remote *remote)
{
	int hears[2] = {-1, -1}, says[2] = {-1, -1}, words[2] = {-1, -1};
	pid_t parent = getpid();
	struct error *err = NULL;

	if (pipe2(hears, O_CLOEXEC) < 0 || pipe2(says, O_CLOEXEC) < 0 || pipe2(words, O_CLOEXEC) < 0)
		err = error_os(errno, "no pipe for %s", argv[0]);
	remote->pid = err ? -1 : fork();
	if (!err && remote->pid < 0)
		err = error_os(errno, "no process for %s", argv[0]);
	if (!err && !remote->pid)
		run_program(argv, parent, hears[0], says[1], words[1]);
	closep(&hears[0]);
	closep(&says[1]);
	closep(&words[1]);
	remote->out_fd = hears[1];
	remote->in_fd = says[0];
	remote->words_fd = words[0];
	return err;
}

// What the program said, in one line. It has ended, or is about to.
static void read_words(struct remote *remote, char ret[WORDS_BYTES])
{
	size_t used = 0;

	// Without a program that holds the other end it is over at once.
	while (remote->words_fd >= 0 && used + 1 < WORDS_BYTES &&
	       poll(&(struct pollfd){.fd = remote->words_fd, .events = POLLIN}, 1, END_MS) > 0) {
		ssize_t got = read(remote->words_fd, ret + used, WORDS_BYTES - 1 - used);

		if (got <= 0)
			break;
		used += (size_t)got;
	}
	while (used && (ret[used - 1] == '\n' || ret[used - 1] == '\r'))
		used--;
	ret[used] = '\0';
	for (char *at = ret; *at; at++)
		*at = *at == '\n' ? ';' : isprint((unsigned char)*at) ? *at : ' ';
}

static struct remote *allocate(void)
{
	struct remote *remote = malloc(sizeof(*remote));

	if (remote)
		*remote = (struct remote){.pid = -1, .in_fd = -1, .out_fd = -1, .words_fd = -1, .keys_fd = -1};
	return remote;
}

static void end_program(struct remote *remote)
{
	closep(&remote->out_fd);
	closep(&remote->in_fd);
	// It sees that nobody talks to it; if the server does not let it go, it is killed.
	if (remote->pid > 0 && !process_wait(remote->pid, clock_now_ms() + END_MS, NULL))
		process_stop(remote->pid, 0);
	remote->pid = -1;
}

void remote_close(struct remote *remote)
{
	char words[WORDS_BYTES];

	if (!remote)
		return;
	sftp_destroy(remote->sftp);
	end_program(remote);
	read_words(remote, words);
	if (remote->log && *words)
		log_print(remote->log, "%s", words);
	closep(&remote->words_fd);
	closep(&remote->keys_fd);
	free(remote);
}

// The program that uploads. Number of the target: its secrets.
static struct error *start_sender(const struct target_request *request, struct remote **ret)
{
	_cleanup_(remote_closep) struct remote *remote = allocate();
	_cleanup_words_ struct words words = {0};
	const char *at = request->place.options, *value;
	char option[OPTION_BYTES];
	struct error *err;

	if (!remote)
		return error_new(ERROR_NOMEM, "no memory for a connection");
	words_add(&words, REMOTE_SENDER);
	words_add(&words, "--connect-timeout=15");
	while (next_option(&at, option, &value)) {
		if (strcmp(option, "s3") == 0)
			words_add(&words, "--s3");
		else if (strcmp(option, "secrets") == 0)
			words_addf(&words, "--secrets=" PLAN_SECRETS_PATH "%zu", request->number);
		else
			words_addf(&words, "--%s=%s", option, value);
	}
	words_add(&words, request->place.device);
	err = words_check(&words);
	if (!err)
		err = start(words.list, remote);
	if (!err)
		*ret = take_ptr(remote);
	return err;
}

// command: what is run on the server; NULL: its server of files.
static struct error *start_ssh(const struct plan_target *place, const char *command, struct remote **ret)
{
	_cleanup_(remote_closep) struct remote *remote = allocate();
	_cleanup_words_ struct words words = {0};
	struct error *err =
		remote ? write_keys(place, &remote->keys_fd) : error_new(ERROR_NOMEM, "no memory for a connection");

	if (!err)
		err = ssh_words(place, remote->keys_fd, command, &words);
	if (!err)
		err = start(words.list, remote);
	if (!err)
		*ret = take_ptr(remote);
	return err;
}

static struct error *connect_once(const struct target_request *request, char words[WORDS_BYTES], struct remote **ret)
{
	const struct plan_target *place = &request->place;
	_cleanup_(remote_closep) struct remote *remote = NULL;
	struct error *err = remote_is_upload(place) ? start_sender(request, &remote) : start_ssh(place, NULL, &remote);

	words[0] = '\0';
	if (err)
		return err;
	err = sftp_create(remote->in_fd, remote->out_fd, &remote->sftp);
	if (err) {
		end_program(remote);
		read_words(remote, words);
		return err;
	}
	*ret = take_ptr(remote);
	return NULL;
}

// What will not be otherwise the next time.
static bool is_refusal(const char *words)
{
	static const char *const texts[] = {"Permission denied", "verification failed", "subsystem request failed",
	                                    "no matching",       "No such file",        "Bad configuration"};

	for (size_t i = 0; i < array_size(texts); i++)
		if (strstr(words, texts[i]))
			return true;
	return false;
}

struct error *remote_open(const struct target_request *request, struct log *log, struct remote **ret)
{
	const struct plan_target *place = &request->place;
	uint64_t start_ms = clock_now_ms();
	uint64_t limit_ms = process_earlier_ms(request->end_ms, start_ms + request->timeout_ms);
	_cleanup_close_ int events = events_of_routes();
	char words[WORDS_BYTES];

	for (;;) {
		struct error *err = connect_once(request, words, ret);
		uint64_t left_ms = process_left_ms(limit_ms), took_ms = clock_now_ms() - start_ms;

		if (!err) {
			// What uploads connects when it has something to upload.
			if (!remote_is_upload(place))
				log_print(log, "connected to %s after %ju ms", place->device, (uintmax_t)took_ms);
			(*ret)->log = log;
			return NULL;
		}
		if (!left_ms || is_refusal(words) || err->code == ERROR_NOMEM)
			return error_wrap(err, "after %ju s: %s", (uintmax_t)took_ms / 1000,
			                  *words ? words : "it does not answer");
		log_print(log, "%s: %s; trying again, %ju s left", place->device, *words ? words : err->text,
		          (uintmax_t)left_ms / 1000);
		error_free(err);
		events_wait(events, left_ms < RETRY_MS ? left_ms : RETRY_MS);
	}
}

struct error *remote_mkdirs(struct remote *remote, const char *path)
{
	char part[REMOTE_PATH_BYTES];

	if (strlen(path) >= sizeof(part))
		return error_new(ERROR_BAD_DATA, "%s: is too long", path);
	// Those that exist are an error, which is not told from others: the last one says what is wrong.
	for (const char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		snprintf(part, sizeof(part), "%.*s", (int)(slash - path), path);
		error_free(sftp_mkdir(remote->sftp, part, 0755));
	}
	return sftp_mkdir(remote->sftp, path, 0700);
}

struct error *remote_put(struct remote *remote, int fd, const char *path)
{
	_cleanup_free_ uint8_t *piece = malloc(PIECE_BYTES);
	struct sftp_file file;
	uint64_t offset = 0;
	size_t got = PIECE_BYTES;
	struct error *err =
		piece ? sftp_open(remote->sftp, path, &file) : error_new(ERROR_NOMEM, "no memory for %s", path);

	if (err)
		return err;
	while (!err && got == PIECE_BYTES) {
		err = io_pread(fd, piece, PIECE_BYTES, offset, &got);
		if (!err)
			err = sftp_write(remote->sftp, &file, offset, &(struct iovec){piece, got}, 1);
		offset += err ? 0 : got;
	}
	if (!err)
		return error_wrap(sftp_finish(remote->sftp, &file, offset), "%s", path);
	// What is left of it says nothing.
	error_free(sftp_finish(remote->sftp, &file, offset));
	return error_wrap(err, "%s", path);
}

struct remote_sink {
	struct sink sink;
	struct sftp *sftp;
	struct sftp_file file;
	struct sha256 sha; // Of an upload, whose bytes come in their order.
	uint8_t digest[SHA256_DIGEST_BYTES];
	bool has_digest;
	atomic_bool is_failed; // Writing there did not succeed.
};

static struct error *note_failure(struct remote_sink *remote, struct error *err)
{
	if (err)
		remote->is_failed = true;
	return err;
}

static struct error *remote_sink_write(struct sink *sink, uint64_t offset_bytes, const struct iovec *parts,
                                       size_t count)
{
	struct remote_sink *remote = (struct remote_sink *)sink;

	for (size_t i = 0; i < count && sftp_is_sequential(remote->sftp); i++)
		sha256_update(&remote->sha, parts[i].iov_base, parts[i].iov_len);
	return note_failure(remote, sftp_write(remote->sftp, &remote->file, offset_bytes, parts, count));
}

static struct error *remote_sink_finish(struct sink *sink, uint64_t file_bytes)
{
	struct remote_sink *remote = (struct remote_sink *)sink;
	struct error *err = note_failure(remote, sftp_finish(remote->sftp, &remote->file, file_bytes));

	if (!err && sftp_is_sequential(remote->sftp)) {
		sha256_final(&remote->sha, remote->digest);
		remote->has_digest = true;
	}
	return err;
}

static void remote_sink_destroy(struct sink *sink)
{
	free(sink);
}

static const struct sink_ops remote_ops = {
	.write = remote_sink_write,
	.finish = remote_sink_finish,
	.destroy = remote_sink_destroy,
};

struct error *remote_sink_create(struct remote *remote, const char *path, struct sink **ret)
{
	struct remote_sink *sink = calloc(1, sizeof(*sink));
	bool is_upload = sftp_is_sequential(remote->sftp);
	struct error *err = sink ? NULL : error_new(ERROR_NOMEM, "no memory for %s", path);

	// What has the name is replaced by an upload when that is whole.
	if (!err && !is_upload)
		err = sftp_remove(remote->sftp, path);
	if (!err)
		err = sftp_open(remote->sftp, path, &sink->file);
	if (err) {
		free(sink);
		return err;
	}
	sink->sink = (struct sink){.ops = &remote_ops, .can_rewrite = !is_upload};
	sink->sftp = remote->sftp;
	sha256_init(&sink->sha);
	*ret = &sink->sink;
	return NULL;
}

bool remote_sink_is_failed(const struct sink *sink)
{
	return ((const struct remote_sink *)sink)->is_failed;
}

void remote_sink_hash(const struct sink *sink, char text_ret[65])
{
	const struct remote_sink *remote = (const struct remote_sink *)sink;

	text_ret[0] = '\0';
	for (size_t i = 0; i < sizeof(remote->digest) && remote->has_digest; i++)
		snprintf(text_ret + 2 * i, 3, "%02x", remote->digest[i]);
}

bool remote_can_rename(const struct remote *remote)
{
	return sftp_can_rename(remote->sftp);
}

uint64_t remote_room(struct remote *remote, const char *path)
{
	return sftp_room(remote->sftp, path);
}

struct error *remote_rename(struct remote *remote, const char *from, const char *to)
{
	return sftp_rename(remote->sftp, from, to);
}

struct error *remote_remove(struct remote *remote, const char *path)
{
	return sftp_remove(remote->sftp, path);
}

// As one word for the server's shell.
static struct error *quote(const char *path, char ret[REMOTE_PATH_BYTES])
{
	size_t used = 0;

	for (; *path && used + 5 < REMOTE_PATH_BYTES; path++) {
		if (*path == '\'') {
			memcpy(ret + used, "'\\''", 4);
			used += 4;
		} else {
			ret[used++] = *path;
		}
	}
	ret[used] = '\0';
	return *path ? error_new(ERROR_BAD_DATA, "a path is too long") : NULL;
}

static bool is_hash(const char *text)
{
	return strspn(text, "0123456789abcdef") >= HASH_DIGITS;
}

struct error *remote_hash(const struct target_request *request, const char *path, struct log *log, char text_ret[65])
{
	_cleanup_(remote_closep) struct remote *remote = NULL;
	char quoted[REMOTE_PATH_BYTES], command[REMOTE_PATH_BYTES + 64], words[WORDS_BYTES],
		answer[HASH_DIGITS + 1] = "";
	uint64_t time_ms = process_left_ms(request->end_ms);
	int left_ms = time_ms <= SEAL_MS ? 0 : time_ms - SEAL_MS < INT_MAX ? (int)(time_ms - SEAL_MS) : -1;
	struct error *err;
	size_t got = 0;

	if (remote_is_upload(&request->place) || !has_shell(&request->place))
		return error_new(ERROR_UNSUPPORTED, "%s is for files only", request->place.device);
	err = quote(path, quoted);
	if (err)
		return err;
	snprintf(command, sizeof(command), "sha256sum <'%s'", quoted);
	log_print(log, "asking %s for the checksum", request->place.device);
	err = start_ssh(&request->place, command, &remote);
	if (!err && poll(&(struct pollfd){.fd = remote->in_fd, .events = POLLIN}, 1, left_ms) == 0)
		err = error_new(ERROR_TIMEOUT, "no time left for sha256sum on the server");
	if (!err)
		err = io_read(remote->in_fd, answer, HASH_DIGITS, &got);
	if (err)
		return err;
	answer[got] = '\0';
	if (!is_hash(answer)) {
		end_program(remote);
		read_words(remote, words);
		return error_new(ERROR_BAD_DATA, "sha256sum on the server: %s", *words ? words : "no checksum");
	}
	memcpy(text_ret, answer, HASH_DIGITS + 1);
	return NULL;
}
