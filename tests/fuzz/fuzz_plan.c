// SPDX-License-Identifier: GPL-2.0-or-later
// The plan: what is read is what is written, and is read the same again; and what the capture side makes of its network and its sessions.
#include "boot/plan.h"
#include "capture/iscsi.h"
#include "capture/network.h"
#include "fuzz.h"

// libconfig 1.5 does not free what it read of a text whose quote is not closed. The program that reads a plan ends then.
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:libconfig";
}

static void fuzz_network(const struct plan *plan)
{
	struct sockaddr_storage to;
	struct network network;
	struct error *err = network_parse(plan, &network);

	for (size_t i = 0; !err && i < network.route_count; i++)
		fuzz_require(network_target(&network, &network.routes[i], plan->notify_port, &to) <= sizeof(to));
	network_close(&network);
	fuzz_end(err, FUZZ_CODE(ERROR_BAD_DATA));
}

static void fuzz_sessions(const struct plan *plan)
{
	for (char *const *row = plan->iscsi_sessions; *row; row++) {
		_cleanup_words_ struct words words = {0};
		struct error *err = iscsi_parse(*row, &words);

		fuzz_require(err || words.count >= ISCSI_WORDS);
		fuzz_end(err, FUZZ_CODE(ERROR_BAD_DATA));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes)
{
	struct fuzz_input input = {data, size_bytes};
	_cleanup_plan_ struct plan plan = {0}, again = {0};
	_cleanup_free_ char *text = fuzz_text(&input), *written = NULL, *rewritten = NULL;
	struct error *err = plan_parse(text, "plan", &plan);

	if (!err) {
		fuzz_require(plan.dump_level <= 31 && plan.threads && plan.modules && plan.target.device);
		fuzz_end(plan_format(&plan, &written), 0);
		fuzz_end(plan_parse(written, "written", &again), 0);
		fuzz_end(plan_format(&again, &rewritten), 0);
		fuzz_require(strcmp(written, rewritten) == 0);
		fuzz_network(&plan);
		fuzz_sessions(&plan);
	}
	fuzz_end(err, FUZZ_CODE(ERROR_BAD_DATA) | FUZZ_CODE(ERROR_UNSUPPORTED));
	return 0;
}
