// SPDX-License-Identifier: GPL-2.0-or-later
#include "boot/checkup_reach.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>

#include "test.h"

// Somebody who listens at a port that the kernel chooses, on this machine.
struct listener {
	int fd;
	unsigned int port;
};

static struct listener listen_at(int family, int backlog)
{
	struct sockaddr_in6 at6 = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
	struct sockaddr_in at4 = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct sockaddr *at = family == AF_INET ? (struct sockaddr *)&at4 : (struct sockaddr *)&at6;
	socklen_t size = family == AF_INET ? sizeof(at4) : sizeof(at6);
	struct listener ret = {.fd = socket(family, SOCK_STREAM, 0)};

	if (ret.fd < 0 || bind(ret.fd, at, size) < 0) {
		printf("no loopback of this kind\n");
		exit(TEST_SKIPPED);
	}
	check(listen(ret.fd, backlog) == 0);
	check(getsockname(ret.fd, at, &size) == 0);
	ret.port = ntohs(family == AF_INET ? at4.sin_port : at6.sin6_port);
	return ret;
}

static void reach(const char *fstype, const char *device, const char *options, struct findings *findings)
{
	char *none[] = {NULL};
	struct plan plan = {
		.target = {(char *)device, (char *)fstype, (char *)options, (char *)"/"},
		.fallback = {none, none, none, none},
		.parts = 1,
	};

	checkup_reach(&plan, 20000, findings);
	check(!findings->is_failed);
}

static void check_one(const char *fstype, const char *device, const char *options, const char *words)
{
	_cleanup_findings_ struct findings findings = {0};

	reach(fstype, device, options, &findings);
	if (!words) {
		check_text(findings.count ? findings.list[0].text : NULL, NULL);
		return;
	}
	check(findings.count == 1 && findings.list[0].severity == FINDING_ERROR);
	check_text(findings.list[0].name, "server");
	if (!strstr(findings.list[0].text, words))
		check_text(findings.list[0].text, words);
}

// Each kind of server, with its port in the place where the plan has it: reached, and when nobody listens any more.
static void each_kind_of_server(void)
{
	static const struct {
		const char *fstype, *device, *options;
	} kinds[] = {
		{PLAN_SFTP, "ssh://root@server", "address=127.0.0.1,user=root,port=%u,shell"},
		{PLAN_SEND, "https://server", "resolve=server:%u:127.0.0.1,secrets"},
		{PLAN_SEND, "http://[127.0.0.1]:%u/bucket", "stall=60"},
		{"nfs", "server:/dumps", "soft,timeo=150,addr=127.0.0.1,port=%u"},
		{PLAN_CIFS, "//server/share", "ip=127.0.0.1,soft,port=%u,guest"},
	};

	for (size_t i = 0; i < array_size(kinds); i++) {
		struct listener listener = listen_at(AF_INET, 8);
		char device[100], options[100], port[16];

		snprintf(port, sizeof(port), "port %u", listener.port);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		snprintf(device, sizeof(device), kinds[i].device, listener.port);
		snprintf(options, sizeof(options), kinds[i].options, listener.port);
#pragma GCC diagnostic pop
		check_one(kinds[i].fstype, device, options, NULL);
		close(listener.fd);
		check_one(kinds[i].fstype, device, options, "nobody takes connections at 127.0.0.1, port");
		check_one(kinds[i].fstype, device, options, port);
	}
}

static void addresses_of_ipv6(void)
{
	struct listener listener = listen_at(AF_INET6, 8);
	char device[100], resolve[100];

	snprintf(device, sizeof(device), "https://[::1]:%u", listener.port);
	snprintf(resolve, sizeof(resolve), "resolve=server:%u:::1", listener.port);
	check_one(PLAN_SEND, device, "stall=60", NULL);
	check_one(PLAN_SEND, "https://server", resolve, NULL);
	close(listener.fd);
	check_one(PLAN_SEND, device, "stall=60", "::1, port");
}

// A queue that is full drops what comes: as one that is gone behind a firewall.
static void one_that_does_not_answer(void)
{
	struct listener listener = listen_at(AF_INET, 0);
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	_cleanup_findings_ struct findings findings = {0};
	char options[100], *none[] = {NULL}, *others[] = {(char *)"UUID=2", NULL}, *empty[] = {(char *)"", NULL};
	struct plan plan = {
		.target = {(char *)"server:/", (char *)"nfs", options, (char *)"/"},
		.fallback = {others, empty, empty, empty},
		.iscsi_sessions = none,
		.parts = 1,
	};

	at.sin_port = htons((uint16_t)listener.port);
	for (int i = 0; i < 4; i++) {
		int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

		check(fd >= 0);
		// The first ones fill the queue.
		(void)!connect(fd, (struct sockaddr *)&at, sizeof(at));
	}
	snprintf(options, sizeof(options), "addr=127.0.0.1,port=%u", listener.port);
	checkup_reach(&plan, 300, &findings);
	check(findings.count == 1);
	// There is another target.
	check(findings.list[0].severity == FINDING_WARNING);
	check(strstr(findings.list[0].text, "server:/: 127.0.0.1 does not answer on port"));
}

static void disks_of_servers(void)
{
	struct listener listener = listen_at(AF_INET, 8);
	char row[100], *rows[] = {row, row, (char *)"7 127.0.0.1 1 1", (char *)"0 ", (char *)"", NULL},
		       *none[] = {NULL};
	_cleanup_findings_ struct findings first = {0}, second = {0};
	struct plan plan = {
		.target = {(char *)"UUID=1", (char *)"ext4", (char *)"", (char *)"/"},
		.fallback = {none, none, none, none},
		.iscsi_sessions = rows,
		.parts = 1,
	};

	snprintf(row, sizeof(row), "0 127.0.0.1 %u 1 0 iqn.name iqn.me -", listener.port);
	checkup_reach(&plan, 20000, &first);
	check(!first.count);
	close(listener.fd);
	checkup_reach(&plan, 20000, &second);
	check(second.count == 1 && second.list[0].severity == FINDING_WARNING);
	check(strstr(second.list[0].text, "UUID=1: nobody takes connections at 127.0.0.1"));
}

// Nothing to ask, and what no plan of ours says.
static void nobody_is_asked(void)
{
	check_one("ext4", "UUID=1", "noatime", NULL);
	check_one("nfs", "server:/", "proto=udp,addr=127.0.0.1,port=1", NULL);
	check_one("nfs", "server:/", "", NULL);
	check_one(PLAN_SEND, "https://[", "", NULL);
	check_one(PLAN_SEND, "https://[]", "", NULL);
	check_one(PLAN_SEND, "gopher://[::1]", "", NULL);
	check_one(PLAN_SEND, "https://a", "resolve=a", NULL);
	check_one("nfs", "server:/", "addr=not an address,port=1", "cannot be reached");
	check_one("nfs", "server:/", "addr=127.0.0.1,port=name", "cannot be reached");
}

static const struct test tests[] = {
	TEST(each_kind_of_server), TEST(addresses_of_ipv6), TEST(one_that_does_not_answer),
	TEST(disks_of_servers),    TEST(nobody_is_asked),
};

int main(int argc, char **argv)
{
	return test_main(tests, array_size(tests), argc, argv);
}
