// SPDX-License-Identifier: GPL-2.0-or-later
#include <curl/curl.h>
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/io.h"
#include "cmd/send_link.h"
#include "cmd/send_server.h"

// A day is more than any wait is good for.
enum { STALL_DEFAULT_S = 60, CONNECT_DEFAULT_S = 30, SECONDS_MAX = 86400 };

// Room for a packet and its length, and for replies that nobody has read yet.
enum { INPUT_BYTES = SEND_WIRE_LENGTH_BYTES + SEND_SERVER_PACKET_BYTES, OUTPUT_BYTES = 1024 * 1024 };

static const char usage_text[] =
	"Usage: kdump-send [OPTION]... URL\n"
	"Upload files to a server; which ones tells a client that speaks SFTP on standard input and output.\n"
	"URL: http[s]://HOST[:PORT][/PATH] or ftp[s]://HOST[:PORT][/PATH]; with --s3 PATH begins with the bucket.\n"
	"\n"
	"      --s3                 the server is a store in the manner of Amazon S3\n"
	"      --region=REGION      of the store [us-east-1]\n"
	"      --secrets=FILE       who we are: lines user=, password=, token= in a file of mode 0600;\n"
	"                           for --s3 these are the access key, the secret key, the session token\n"
	"      --ca=FILE            certificates that the server's must be signed by\n"
	"      --resolve=HOST:PORT:ADDRESS\n"
	"                           do not ask for the address of a name; may be given several times\n"
	"      --stall=SECONDS      end a transfer in which nothing moves for so long [60]\n"
	"      --connect-timeout=SECONDS\n"
	"                           end an attempt to connect [30]\n"
	"  -h, --help\n"
	"  -V, --version\n"
	"\n"
	"Exit status: 0 the client is done; 1 failed; 2 wrong usage, or the client does not speak SFTP;\n"
	"3 FILE cannot be used; 7 the client takes no answers. Whether a file was uploaded is told to the client.\n";

enum {
	OPT_S3 = 256,
	OPT_REGION,
	OPT_SECRETS,
	OPT_CA,
	OPT_RESOLVE,
	OPT_STALL,
	OPT_CONNECT_TIMEOUT,
};

static struct error *parse_seconds(const char *name, uint32_t *ret)
{
	unsigned long number;
	char *end;

	errno = 0;
	number = strtoul(optarg, &end, 10);
	if (errno || end == optarg || *end || *optarg == '-' || !number || number > SECONDS_MAX)
		return error_new(ERROR_USAGE, "%s '%s': must be seconds from 1 to %d", name, optarg, SECONDS_MAX);
	*ret = (uint32_t)number;
	return NULL;
}

static struct error *add_resolve(struct send_settings *settings)
{
	struct curl_slist *longer = curl_slist_append(settings->resolve, optarg);

	if (!longer)
		return error_new(ERROR_NOMEM, "no memory for an address");
	settings->resolve = longer;
	return NULL;
}

static struct error *take_option(struct send_settings *settings, int option)
{
	static const char region_bytes[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
	struct error *err = NULL;
	uint32_t seconds = 0;

	switch (option) {
	case OPT_S3:
		settings->is_s3 = true;
		return NULL;
	case OPT_REGION:
		settings->region = optarg;
		return !*optarg || optarg[strspn(optarg, region_bytes)]
		               ? error_new(ERROR_USAGE, "--region '%s': must be a name", optarg)
		               : NULL;
	case OPT_SECRETS:
		return send_settings_read(settings, optarg);
	case OPT_CA:
		settings->ca = optarg;
		return NULL;
	case OPT_RESOLVE:
		return add_resolve(settings);
	case OPT_STALL:
		err = parse_seconds("--stall", &seconds);
		settings->stall_ms = (uint64_t)seconds * 1000;
		return err;
	case OPT_CONNECT_TIMEOUT:
		return parse_seconds("--connect-timeout", &settings->connect_timeout_s);
	default:
		return error_new(ERROR_USAGE, "try 'kdump-send --help'");
	}
}

// Whether there is something to do is in @p go_on_ret.
static struct error *parse(int argc, char **argv, struct send_settings *settings, bool *go_on_ret)
{
	static const struct option options[] = {
		{"s3", no_argument, NULL, OPT_S3},
		{"region", required_argument, NULL, OPT_REGION},
		{"secrets", required_argument, NULL, OPT_SECRETS},
		{"ca", required_argument, NULL, OPT_CA},
		{"resolve", required_argument, NULL, OPT_RESOLVE},
		{"stall", required_argument, NULL, OPT_STALL},
		{"connect-timeout", required_argument, NULL, OPT_CONNECT_TIMEOUT},
		{"help", no_argument, NULL, 'h'},
		{"version", no_argument, NULL, 'V'},
		{0},
	};
	struct error *err = NULL;
	int option;

	*go_on_ret = false;
	while (!err && (option = getopt_long(argc, argv, "hV", options, NULL)) != -1) {
		if (option == 'h') {
			fputs(usage_text, stdout);
			return NULL;
		}
		if (option == 'V') {
			puts("kdump-send " PACKAGE_VERSION);
			return NULL;
		}
		err = take_option(settings, option);
	}
	if (!err && argc - optind != 1)
		err = error_new(ERROR_USAGE, "one URL is wanted; try 'kdump-send --help'");
	if (err)
		return err;
	settings->url = argv[optind];
	*go_on_ret = true;
	return NULL;
}

// What came from the client and was not done yet, and what it has not read yet.
struct stream {
	uint8_t input[INPUT_BYTES], output[OUTPUT_BYTES];
	size_t input_bytes, output_bytes;
	bool is_end;
};

// As much as goes without waiting: poll(2) promises that many bytes.
static struct error *flush(struct stream *stream)
{
	size_t size = stream->output_bytes < PIPE_BUF ? stream->output_bytes : PIPE_BUF;
	ssize_t done = write(STDOUT_FILENO, stream->output, size);

	if (done < 0)
		return errno == EINTR || errno == EAGAIN ? NULL : error_os(errno, "cannot answer the client");
	stream->output_bytes -= (size_t)done;
	memmove(stream->output, stream->output + done, stream->output_bytes);
	return NULL;
}

static struct error *fill(struct stream *stream)
{
	ssize_t done =
		read(STDIN_FILENO, stream->input + stream->input_bytes, sizeof(stream->input) - stream->input_bytes);

	if (done < 0)
		return errno == EINTR || errno == EAGAIN ? NULL : error_os(errno, "cannot hear the client");
	stream->is_end = !done;
	stream->input_bytes += (size_t)done;
	return NULL;
}

// Do what whole packets ask for, while there is room for the replies.
static struct error *work(struct stream *stream, struct send_server *server, bool *is_full_ret)
{
	size_t at = 0, total = 0;
	struct error *err = NULL;

	*is_full_ret = false;
	while (!err) {
		err = send_server_length(stream->input + at, stream->input_bytes - at, &total);
		if (err || !total || stream->input_bytes - at < total)
			break;
		*is_full_ret = sizeof(stream->output) - stream->output_bytes < SEND_WIRE_REPLY_BYTES;
		if (*is_full_ret)
			break;
		err = send_server_take(server, stream->input + at, total);
		if (err)
			break;
		memcpy(stream->output + stream->output_bytes, server->reply.buf, server->reply.size_bytes);
		stream->output_bytes += server->reply.size_bytes;
		at += total;
		// A transfer may take its time: the client may have this reply at once.
		if (poll(&(struct pollfd){.fd = STDOUT_FILENO, .events = POLLOUT}, 1, 0) > 0)
			err = flush(stream);
	}
	stream->input_bytes -= at;
	memmove(stream->input, stream->input + at, stream->input_bytes);
	return err;
}

// Requests are read and replies written as each is possible: a client may send many of the one before it reads the others.
static struct error *serve(struct stream *stream, struct send_server *server, uint64_t stall_ms)
{
	bool is_full = false;

	for (;;) {
		struct pollfd fds[] = {
			{.fd = is_full || stream->is_end ? -1 : STDIN_FILENO, .events = POLLIN},
			{.fd = stream->output_bytes ? STDOUT_FILENO : -1, .events = POLLOUT},
		};
		struct error *err = NULL;
		int ready;

		if (stream->is_end && !stream->output_bytes && !is_full)
			break;
		// What a client does in its own time is its own affair, but one that has ended does not keep us.
		ready = poll(fds, array_size(fds), stream->is_end ? (int)stall_ms : -1);
		if (ready < 0 && errno != EINTR)
			return error_os(errno, "cannot wait for the client");
		if (!ready)
			return error_new(ERROR_TIMEOUT, "the client has ended and does not read the answers");
		if (fds[1].revents)
			err = flush(stream);
		if (!err && fds[0].revents)
			err = fill(stream);
		if (!err)
			err = work(stream, server, &is_full);
		if (err)
			return err;
	}
	return stream->input_bytes ? error_new(ERROR_USAGE, "the client ended in the middle of a packet") : NULL;
}

static struct error *run(const struct send_settings *settings)
{
	_cleanup_(send_link_close) struct send_link link = {0};
	_cleanup_free_ struct stream *stream = calloc(1, sizeof(*stream));
	_cleanup_(send_server_deinit) struct send_server server = {0};
	struct error *err = stream ? send_link_open(&link, settings) : error_new(ERROR_NOMEM, "no memory");

	if (err)
		return err;
	send_server_init(&server, link.ops, &link);
	return serve(stream, &server, settings->stall_ms);
}

int main(int argc, char **argv)
{
	_cleanup_(send_settings_deinit) struct send_settings settings = {
		.region = "us-east-1",
		.stall_ms = (uint64_t)STALL_DEFAULT_S * 1000,
		.connect_timeout_s = CONNECT_DEFAULT_S,
	};
	_cleanup_error_ struct error *err = NULL;
	bool go_on = false;

	// A client or a server that is gone is an error of write(2).
	signal(SIGPIPE, SIG_IGN);
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
		fputs("kdump-send: libcurl cannot start\n", stderr);
		return EXIT_FAILED;
	}
	err = parse(argc, argv, &settings, &go_on);
	if (!err && go_on)
		err = run(&settings);
	curl_global_cleanup();
	if (err)
		fprintf(stderr, "kdump-send: %s\n", err->text);
	return error_exit_code(err);
}
