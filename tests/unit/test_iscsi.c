// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/iscsi.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "boot/iscsi.h"
#include "fake.h"
#include "test.h"

#define NAME "iqn.2003-01.org.example:dumps"
#define INITIATOR "iqn.1993-08.org.debian:01:node1"

// A capture system with one target that needs a session, and a server that takes connections.
struct machine {
	struct fake fake;
	struct log log;
	int listener;
	char port[8], row[256];
	char *rows[2];
	char *files[3];
	struct plan plan;
	struct iscsi_request request;
	uint64_t run_ms; // What the program was given.
};

static void make_session(struct fake *fake, const char *state, const char *port)
{
	fake_file(fake, "/sys/devices/platform/host7/session4/iscsi_session/session4/state", state);
	fake_file(fake, "/sys/devices/platform/host7/session4/iscsi_session/session4/targetname", NAME "\n");
	fake_file(fake, "/sys/class/iscsi_connection/connection4:0/persistent_address", "127.0.0.1\n");
	fake_file(fake, "/sys/class/iscsi_connection/connection4:0/persistent_port", port);
	if (!host_exists(&fake->host, "/sys/class/iscsi_session/session4"))
		fake_link(fake, "/sys/class/iscsi_session/session4",
		          "../../devices/platform/host7/session4/iscsi_session/session4");
}

// The session is there when the program that makes it has succeeded.
static struct error *run(const struct host *host, const struct host_command *command, struct host_result *ret)
{
	struct fake *fake = host->context;
	struct machine *machine = (struct machine *)fake;
	struct error *err = fake_run(host, command, ret);

	// It must not outlive a capture that is killed.
	check(command->is_tied);
	machine->run_ms = command->timeout_ms;
	if (!err && !ret->status)
		make_session(fake, "LOGGED_IN\n", machine->port);
	return err;
}

static void machine_init(struct machine *machine, const char *auth)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(address);

	*machine = (struct machine){.listener = socket(AF_INET, SOCK_STREAM, 0)};
	fake_init(&machine->fake);
	machine->fake.host.run = run;
	log_init(&machine->log, -1);
	check(bind(machine->listener, (struct sockaddr *)&address, size) == 0 && listen(machine->listener, 5) == 0);
	check(getsockname(machine->listener, (struct sockaddr *)&address, &size) == 0);
	snprintf(machine->port, sizeof(machine->port), "%u", ntohs(address.sin_port));
	snprintf(machine->row, sizeof(machine->row), "1 127.0.0.1 %s 3 5 " NAME " " INITIATOR " %s", machine->port,
	         auth);
	machine->rows[0] = machine->row;
	machine->files[0] = (char *)"/usr/bin/ssh";
	machine->files[1] = (char *)"/usr/sbin/iscsistart";
	machine->plan.iscsi_sessions = machine->rows;
	machine->plan.target_files = machine->files;
	machine->request = (struct iscsi_request){
		.plan = &machine->plan, .number = 1, .limit_ms = clock_now_ms(), .end_ms = clock_now_ms() + 60000};
	fake_file(&machine->fake, "/sys/class/scsi_host/host7/scan", "");
}

static void machine_deinit(struct machine *machine)
{
	close(machine->listener);
	log_deinit(&machine->log);
	fake_deinit(&machine->fake);
}

#define _cleanup_machine_ _cleanup_(machine_deinit)

static struct error *log_in(struct machine *machine)
{
	return iscsi_log_in(&machine->fake.host, &machine->request, &machine->log);
}

static void check_scanned(struct machine *machine, const char *wanted)
{
	_cleanup_free_ char *text = NULL;

	check_ok(host_read(&machine->fake.host, "/sys/class/scsi_host/host7/scan", 64, &text, NULL));
	check_text(text, wanted);
}

static void a_session_is_made(void)
{
	_cleanup_machine_ struct machine machine;
	char wanted[1024];

	machine_init(&machine, "- node.session.auth.chap_algs=SHA256,MD5");
	check(!iscsi_is_needed(&machine.plan, 0) && iscsi_is_needed(&machine.plan, 1) &&
	      !iscsi_is_needed(&machine.plan, 11));
	check_ok(log_in(&machine));
	snprintf(wanted, sizeof(wanted),
	         "/usr/sbin/iscsistart|--initiatorname=" INITIATOR "|--targetname=" NAME
	         "|--tgpt=3|--address=127.0.0.1|--port=%s|--param=node.session.scan=manual|",
	         machine.port);
	check(machine.fake.run_count == 1 && strncmp(machine.fake.runs[0], wanted, strlen(wanted)) == 0);
	check(strstr(machine.fake.runs[0], "|--param=node.session.auth.chap_algs=SHA256,MD5"));
	check(!strstr(machine.fake.runs[0], "--username"));
	check_scanned(&machine, "- - 5");
}

static void with_passwords(void)
{
	_cleanup_machine_ struct machine machine;
	char secrets[512];

	machine_init(&machine, "chap");
	snprintf(secrets, sizeof(secrets),
	         "session=127.0.0.1 1 " NAME "\nuser=wrong\npassword=wrong\n"
	         "session=127.0.0.1 %s " NAME "\nuser=a b\npassword=c=d\nuser_in=e\npassword_in=f\n"
	         "session=127.0.0.1 2 " NAME "\nuser=wrong\n",
	         machine.port);
	fake_file(&machine.fake, PLAN_SECRETS_PATH "1", secrets);
	check_ok(log_in(&machine));
	check(strstr(machine.fake.runs[0], "|--username=a b|--password=c=d|--username_in=e|--password_in=f"));
	check(!strstr(machine.fake.runs[0], "wrong"));
}

static void without_the_password(void)
{
	_cleanup_machine_ struct machine machine;

	machine_init(&machine, "chap");
	fake_file(&machine.fake, PLAN_SECRETS_PATH "1", "session=127.0.0.1 1 " NAME "\nuser=x\npassword=y\n");
	check_error(log_in(&machine), ERROR_BAD_DATA, "after 0 s: iSCSI target " NAME " at 127.0.0.1");
	check(!machine.fake.run_count);
}

static void one_that_is_there_is_used(void)
{
	_cleanup_machine_ struct machine machine;

	machine_init(&machine, "-");
	make_session(&machine.fake, "LOGGED_IN\n", machine.port);
	check_ok(log_in(&machine));
	check(!machine.fake.run_count);
	check_scanned(&machine, "- - 5");
}

static void one_that_is_not_whole_is_not(void)
{
	_cleanup_machine_ struct machine machine;

	machine_init(&machine, "-");
	make_session(&machine.fake, "FREE\n", machine.port);
	check_ok(log_in(&machine));
	check(machine.fake.run_count == 1);
}

static void one_with_another_portal_is_not(void)
{
	_cleanup_machine_ struct machine machine;

	machine_init(&machine, "-");
	make_session(&machine.fake, "LOGGED_IN\n", "9\n");
	check_ok(log_in(&machine));
	check(machine.fake.run_count == 1);
}

static void a_wrong_password_is_final(void)
{
	_cleanup_machine_ struct machine machine;

	machine_init(&machine, "-");
	machine.request.limit_ms = machine.request.end_ms;
	machine.fake.statuses[0] = 1;
	machine.fake.outputs[0] =
		"iscsistart: version 2.1.8\n"
		"iscsistart: initiator reported error (24 - iSCSI login failed due to authorization failure)\n"
		"iscsistart: bye\n";
	check_error(log_in(&machine), ERROR_OS, "after 0 s: iSCSI target " NAME " at 127.0.0.1");
	check(machine.fake.run_count == 1);
	check_scanned(&machine, "");
}

static void others_are_tried_again(void)
{
	_cleanup_machine_ struct machine machine;

	machine_init(&machine, "-");
	machine.request.limit_ms = machine.request.end_ms;
	machine.fake.statuses[0] = 1;
	machine.fake.outputs[0] = "iscsistart: initiator reported error (8 - connection timed out)\n";
	check_ok(log_in(&machine));
	check(machine.fake.run_count == 2);
}

// The program has the time of all tries together, but enough for one; never more than the capture.
static void time_of_the_program(void)
{
	static const struct {
		uint64_t limit_ms, end_ms, wanted_ms;
	} cases[] = {{600000, 600000, 30000}, {20000, 600000, 20000}, {0, 600000, 5000}, {20000, 3000, 3000}};

	for (size_t i = 0; i < array_size(cases); i++) {
		_cleanup_machine_ struct machine machine;
		uint64_t now_ms;

		machine_init(&machine, "-");
		now_ms = clock_now_ms();
		machine.request.limit_ms = now_ms + cases[i].limit_ms;
		machine.request.end_ms = now_ms + cases[i].end_ms;
		check_ok(log_in(&machine));
		// Time goes by while it gets there.
		check(machine.run_ms <= cases[i].wanted_ms &&
		      machine.run_ms + (clock_now_ms() - now_ms) >= cases[i].wanted_ms);
	}
}

static void a_server_that_is_gone(void)
{
	_cleanup_machine_ struct machine machine;
	struct error *err;

	machine_init(&machine, "-");
	close(machine.listener);
	machine.listener = -1;
	err = log_in(&machine);
	check(err && err->code == ERROR_OS && strstr(err->text, "no connection: Connection refused"));
	error_free(err);
	check(!machine.fake.run_count);
}

// Two portals: one of them is gone, and the other one lets us in.
static void another_path(void)
{
	_cleanup_machine_ struct machine machine;
	char *rows[] = {(char *)"1 127.0.0.1 1 3 6 " NAME " " INITIATOR " -",
	                (char *)"0 127.0.0.1 1 3 6 " NAME " " INITIATOR " -", NULL, NULL};
	struct iscsi_watch watch;

	machine_init(&machine, "-");
	rows[2] = machine.row;
	machine.plan.iscsi_sessions = rows;
	check_ok(log_in(&machine));
	check(machine.fake.run_count == 1);
	check_scanned(&machine, "- - 5");
	watch = (struct iscsi_watch){.host = &machine.fake.host, .plan = &machine.plan, .number = 1};
	check(!iscsi_find_loss(&watch));
	make_session(&machine.fake, "FAILED\n", machine.port);
	check(iscsi_find_loss(&watch));
}

static void one_that_is_lost(void)
{
	_cleanup_machine_ struct machine machine;
	struct iscsi_watch watch;

	machine_init(&machine, "-");
	watch = (struct iscsi_watch){.host = &machine.fake.host, .plan = &machine.plan, .number = 1};
	check(!iscsi_find_loss(&watch));
	make_session(&machine.fake, "FREE\n", machine.port);
	check(!iscsi_find_loss(&watch));
	make_session(&machine.fake, "LOGGED_IN\n", machine.port);
	check(!iscsi_find_loss(&watch) && !iscsi_find_loss(&watch));
	make_session(&machine.fake, "FAILED\n", machine.port);
	check_text(iscsi_find_loss(&watch), "the session with its iSCSI target is lost");
}

static void sessions_of_a_plan_that_are_none(void)
{
	static const char *const rows[] = {
		"",
		"0 192.0.2.1 3260 1 0 iqn.x iqn.y",
		"0 storage 3260 1 0 iqn.x iqn.y -",
		"0 192.0.2.1 0 1 0 iqn.x iqn.y -",
		"0 192.0.2.1 65536 1 0 iqn.x iqn.y -",
		"0 192.0.2.1 x 1 0 iqn.x iqn.y -",
		"0 192.0.2.1 3260 1 -1 iqn.x iqn.y -",
	};
	struct words words = {0};

	for (size_t i = 0; i < array_size(rows); i++) {
		check_error(iscsi_parse(rows[i], &words), ERROR_BAD_DATA, "the plan has an iSCSI session that is none");
		words_deinit(&words);
		words = (struct words){0};
	}
	check_ok(iscsi_parse("0 2001:db8::1 3260 1 18446744073709551615 iqn.x iqn.y - a=b", &words));
	check(words.count == ISCSI_WORDS + 1);
	words_deinit(&words);
}

// The running system's side: more is in tests/roots.
static void make_disk(struct fake *fake)
{
	fake_init(fake);
	fake_file(fake, "/sbin/iscsistart", "program");
	fake_file(fake, "/sys/class/scsi_host/host3/proc_name", "iscsi_tcp\n");
	fake_file(fake, "/sys/class/iscsi_session/session1/targetname", NAME "\n");
	fake_file(fake, "/sys/class/iscsi_session/session1/initiatorname", INITIATOR "\n");
	fake_file(fake, "/sys/class/iscsi_session/session1/tpgt", "1\n");
	fake_file(fake, "/sys/class/iscsi_session/session1/username", "(null)\n");
	fake_file(fake, "/sys/class/iscsi_session/session1/password", "(null)\n");
	fake_file(fake, "/sys/class/iscsi_connection/connection1:0/address", "2001:db8::1\n");
	fake_file(fake, "/sys/class/iscsi_connection/connection1:0/port", "3260\n");
	fake_file(fake, "/sys/class/iscsi_connection/connection1:0/persistent_address", "storage.example\n");
	fake_file(fake, "/sys/class/iscsi_connection/connection1:0/persistent_port", "3261\n");
}

static const struct device disk = {
	.name = (char *)"sda",
	.number = (char *)"8:0",
	.sysfs = (char *)"/sys/devices/platform/host3/session1/target3:0:0/3:0:0:7/block/sda",
};

static void a_portal_with_a_name(void)
{
	_cleanup_fake_ struct fake fake;
	struct iscsi_sessions sessions = {0};

	make_disk(&fake);
	check_ok(iscsi_add(&fake.host, &disk, &sessions));
	check(sessions.rows.count == 1 && sessions.servers.count == 1 && !sessions.secret);
	check_text(sessions.rows.list[0], "2001:db8::1 3260 1 7 " NAME " " INITIATOR " -");
	check_text(sessions.servers.list[0], "2001:db8::1");
	check_text(iscsi_program(&fake.host), "/sbin/iscsistart");
	iscsi_sessions_deinit(&sessions);
}

static void a_password_with_a_line_feed(void)
{
	_cleanup_fake_ struct fake fake;
	struct iscsi_sessions sessions = {0};

	make_disk(&fake);
	fake_file(&fake, "/sys/class/iscsi_session/session1/username", "node1\n");
	fake_file(&fake, "/sys/class/iscsi_session/session1/password", "a\nuser_in=b\n");
	check_error(iscsi_add(&fake.host, &disk, &sessions), ERROR_CONFIG,
	            "/dev/sda: /sys/class/iscsi_session/session1/password");
	iscsi_sessions_deinit(&sessions);
}

static void a_session_that_does_not_tell(void)
{
	_cleanup_fake_ struct fake fake;
	struct iscsi_sessions sessions = {0};

	make_disk(&fake);
	fake_file(&fake, "/sys/class/iscsi_session/session1/tpgt", "(null)\n");
	check_error(iscsi_add(&fake.host, &disk, &sessions), ERROR_CONFIG,
	            "/dev/sda: /sys/class/iscsi_session/session1/tpgt");
	iscsi_sessions_deinit(&sessions);
}

static const struct test tests[] = {
	TEST(a_session_is_made),
	TEST(with_passwords),
	TEST(without_the_password),
	TEST(one_that_is_there_is_used),
	TEST(one_that_is_not_whole_is_not),
	TEST(one_with_another_portal_is_not),
	TEST(a_wrong_password_is_final),
	TEST(others_are_tried_again),
	TEST(time_of_the_program),
	TEST(a_server_that_is_gone),
	TEST(another_path),
	TEST(one_that_is_lost),
	TEST(sessions_of_a_plan_that_are_none),
	TEST(a_portal_with_a_name),
	TEST(a_password_with_a_line_feed),
	TEST(a_session_that_does_not_tell),
};

int main(int argc, char **argv)
{
	return test_main(tests, array_size(tests), argc, argv);
}
