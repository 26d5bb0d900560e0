#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/x509_look.h"
#include "net/challenge.h"
#include "net/probe.h"
#include "net/tls.h"
#include "net/url.h"
#include "registry/doctor_part.h"

#define REACH_TIMEOUT_MS 10000
#define EXPIRY_WARNING_S ((time_t)30 * 24 * 3600)
#define SKEW_WARNING_S 60
#define SKEW_FAULT_S 300 /* tokens are not taken any more */
#define SKEW_UNKNOWN INT64_MIN
#define ANSWER_MAX ((size_t)64 << 10)

/* The host without the brackets of an IPv6 address. */
static char *plain_host(const struct url *url)
{
	size_t len = strlen(url->host);

	if (*url->host == '[')
		return mem_strndup(url->host + 1, len - 2);
	return mem_strdup(url->host);
}

static const char *proxy_name(void)
{
	static const char *const names[] = { "https_proxy", "HTTPS_PROXY",
					     "all_proxy", "ALL_PROXY" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (!str_empty(getenv(names[i])))
			return names[i];
	return NULL;
}

/* A fault on the straight way is none where a proxy may be in between. */
static void note_way(struct doctor *doctor, enum check check,
		     const struct err *err, const char *remedy)
{
	const char *proxy = proxy_name();
	autofree char *hint =
		proxy ? mem_printf("%s is set: if the registry is to be "
				   "reached without the proxy, name it in "
				   "NO_PROXY",
				   proxy) :
			mem_strdup(remedy);

	doctor_note(doctor, check, proxy ? FINDING_WARNING : FINDING_FAULT,
		    hint, "%s", err->msg);
}

static void look_at_address(struct doctor *doctor, struct probe *probe,
			    const char *host, const char *port)
{
	struct err err = ERR_INIT;
	autofree char *list = NULL;

	if (probe_name(probe, host, port, REACH_TIMEOUT_MS, &err) < 0) {
		note_way(doctor, CHECK_ADDRESS, &err,
			 "check the name, /etc/resolv.conf and /etc/hosts");
		doctor_skip(doctor, CHECK_CONNECTION, CHECK_CLOCK,
			    "the name has no address");
		return;
	}
	list = strs_join(&probe->addresses, " ");
	doctor_note(doctor, CHECK_ADDRESS, FINDING_OK, NULL,
		    "'%s' is %s (%lld ms)", host, list,
		    (long long)probe->name_ms);
}

static void look_at_connection(struct doctor *doctor, struct probe *probe,
			       const char *port)
{
	struct err err = ERR_INIT;
	const char *refused = "is the registry running, and is this its port? "
			      "A Nexus has a port for each docker repository";
	const char *silent = "look for a firewall in between, and whether the "
			     "host is up";

	if (probe_connect(probe, REACH_TIMEOUT_MS, &err) < 0) {
		err_wrap(&err, "port %s", port);
		note_way(doctor, CHECK_CONNECTION, &err,
			 err.kind == ERR_TIMEOUT ? silent : refused);
		doctor_skip(doctor, CHECK_TLS, CHECK_CLOCK, "no connection");
		return;
	}
	doctor_note(doctor, CHECK_CONNECTION, FINDING_OK, NULL,
		    "%s port %s (%lld ms)", probe->address, port,
		    (long long)probe->connect_ms);
}

static void look_at_tls(struct doctor *doctor, struct probe *probe,
			const char *host)
{
	struct err err = ERR_INIT;

	if (probe_tls(probe, host, REACH_TIMEOUT_MS, &err) < 0) {
		note_way(doctor, CHECK_TLS, &err,
			 "images go over https only: name the port that has "
			 "TLS; nodes refuse a registry without it, too");
		doctor_skip(doctor, CHECK_CERTIFICATE, CHECK_CLOCK, "no TLS");
		return;
	}
	if (str_eq(probe->protocol, "TLSv1") ||
	    str_eq(probe->protocol, "TLSv1.1"))
		doctor_note(doctor, CHECK_TLS, FINDING_FAULT,
			    "let the server speak TLS 1.2 or 1.3",
			    "%s, which is too old", probe->protocol);
	else
		doctor_note(doctor, CHECK_TLS, FINDING_OK, NULL, "%s (%lld ms)",
			    probe->protocol, (long long)probe->tls_ms);
}

static void look_at_trust(struct doctor_run *run, const char *chain,
			  const struct x509_look *look)
{
	const struct doctor_options *options = run->options;
	struct err err = ERR_INIT;
	const char *by = NULL;
	autofree char *shown = mem_printf("issued by '%s', %zu certificate%s",
					  look->issuer, look->nr,
					  look->nr > 1 ? "s" : "");

	if (options->site_ca_pem &&
	    x509_vouched(chain, options->site_ca_pem, &err) > 0)
		by = options->site_ca_name;
	else if (x509_vouched(chain, tls_host_ca(), &err) > 0)
		by = tls_host_ca_name();
	if (by)
		doctor_note(run->doctor, CHECK_CERTIFICATE, FINDING_OK, NULL,
			    "%s; good by '%s'", shown, by);
	else
		doctor_note(run->doctor, CHECK_CERTIFICATE, FINDING_FAULT,
			    "give the certificate of the CA with "
			    "--registry-ca FILE, and to the nodes as well; or "
			    "let the server send the certificates in between",
			    "%s: %s (trusted: %s%s%s)", shown, err.msg,
			    tls_host_ca_name(),
			    options->site_ca_pem ? ", " : "",
			    options->site_ca_pem ? options->site_ca_name : "");
}

static void look_at_name(struct doctor *doctor, const char *chain,
			 const struct x509_look *look, const char *host)
{
	if (x509_is_for(chain, host))
		doctor_note(doctor, CHECK_NAME, FINDING_OK, NULL,
			    "the certificate is for '%s'", host);
	else
		doctor_note(doctor, CHECK_NAME, FINDING_FAULT,
			    "name the registry as its certificate does, or "
			    "have one issued for this name",
			    "the certificate is for '%s', not for '%s'",
			    *look->names ? look->names : look->subject, host);
}

static bool is_valid_at(const struct x509_look *look, time_t when)
{
	return when >= look->not_before && when <= look->not_after;
}

static void look_at_dates(struct doctor *doctor, const struct x509_look *look,
			  int64_t skew)
{
	time_t now = clock_wall();
	char from[CLOCK_RFC3339_SIZE], to[CLOCK_RFC3339_SIZE];
	bool clock_is_wrong = skew != SKEW_UNKNOWN &&
			      is_valid_at(look, now - (time_t)skew);

	clock_rfc3339(from, sizeof(from), look->not_before);
	clock_rfc3339(to, sizeof(to), look->not_after);
	if (!is_valid_at(look, now))
		doctor_note(doctor, CHECK_VALIDITY, FINDING_FAULT,
			    clock_is_wrong ?
				    "it is by the registry's clock: set the "
				    "clock of this host (chronyc makestep)" :
				    "have the registry's certificate renewed; "
				    "or is the clock of this host wrong?",
			    "the certificate is %s: from %s to %s",
			    now < look->not_before ? "not valid yet" :
						     "no longer valid",
			    from, to);
	else if (look->not_after - now < EXPIRY_WARNING_S)
		doctor_note(doctor, CHECK_VALIDITY, FINDING_WARNING,
			    "have the registry's certificate renewed soon",
			    "ends in %lld days, %s",
			    (long long)(look->not_after - now) / 86400, to);
	else
		doctor_note(doctor, CHECK_VALIDITY, FINDING_OK, NULL,
			    "from %s to %s", from, to);
}

static void look_at_clock(struct doctor *doctor, int64_t skew)
{
	int64_t amount = skew < 0 && skew != SKEW_UNKNOWN ? -skew : skew;
	const char *remedy = "set the clocks by the same time server "
			     "(chronyc tracking)";

	if (skew == SKEW_UNKNOWN)
		doctor_skip(doctor, CHECK_CLOCK, CHECK_CLOCK,
			    "the registry tells no date");
	else if (amount > SKEW_WARNING_S)
		doctor_note(doctor, CHECK_CLOCK,
			    amount > SKEW_FAULT_S ? FINDING_FAULT :
						    FINDING_WARNING,
			    remedy, "this host is %lld s %s the registry",
			    (long long)amount, skew < 0 ? "behind" : "before");
	else
		doctor_note(doctor, CHECK_CLOCK, FINDING_OK, NULL,
			    "%lld s apart", (long long)amount);
}

/* Seconds that we are before the registry. Source: RFC 9110 6.6.1. */
static int64_t skew_of(const struct http_response *response)
{
	const char *date = http_header(response, "date");
	struct tm tm = { 0 };

	if (date == NULL || !strptime(date, "%a, %d %b %Y %H:%M:%S GMT", &tm))
		return SKEW_UNKNOWN;
	return (int64_t)(clock_wall() - timegm(&tm));
}

static int ask_api(const struct http_config *config, const char *base,
		   struct http_response *response, struct err *err)
{
	autohttp struct http *http = http_new(config);
	autofree char *url = mem_printf("%s/v2/", base);
	const struct http_request request = {
		.method = "GET",
		.url = url,
		.timeout_ms = 3 * (int64_t)REACH_TIMEOUT_MS,
	};

	return http_do(http, &request, ANSWER_MAX, response, err);
}

static void note_realm(struct doctor_run *run, const char *server,
		       const struct challenge *bearer)
{
	const char *realm = challenge_param(bearer, "realm");
	const char *service = challenge_param(bearer, "service");

	if (realm == NULL)
		doctor_note(run->doctor, CHECK_API, FINDING_FAULT,
			    "a matter of the registry's settings",
			    "%s asks for a token and names no realm", server);
	else if (str_starts(realm, "null:") || str_starts(realm, "http:"))
		doctor_note(run->doctor, CHECK_API, FINDING_WARNING,
			    "let the TLS proxy before the registry set "
			    "'X-Forwarded-Proto: https'; dws-csm mends it, "
			    "others may not",
			    "%s wants tokens of '%s', an address without TLS",
			    server, realm);
	else
		doctor_note(run->doctor, CHECK_API, FINDING_OK, NULL,
			    "%s wants tokens of '%s'%s%s%s", server, realm,
			    service ? ", service '" : "",
			    service ? service : "", service ? "'" : "");
}

static void look_at_challenge(struct doctor_run *run, const char *server,
			      const struct http_response *response)
{
	auto_challenges struct challenges list = CHALLENGES_INIT;
	const struct challenge *bearer;
	const char *line;
	size_t at = 0;

	while ((line = http_header_next(response, "www-authenticate", &at)))
		challenges_add(&list, line);
	bearer = challenges_find(&list, "bearer");
	if (bearer)
		note_realm(run, server, bearer);
	else if (challenges_find(&list, "basic"))
		doctor_note(run->doctor, CHECK_API, FINDING_OK, NULL,
			    "%s wants a password (Basic)", server);
	else
		doctor_note(run->doctor, CHECK_API, FINDING_FAULT,
			    "a matter of the registry's settings: it must "
			    "offer Basic or Bearer",
			    "%s answers 401 and does not say what it wants",
			    server);
}

static void look_at_api(struct doctor_run *run,
			const struct http_response *response)
{
	const char *server = http_header(response, "server");
	const char *location = http_header(response, "location");
	const char *name = server ? server : "the registry";

	run->nexus = server && strcasestr(server, "nexus");
	if (response->status == 401)
		look_at_challenge(run, name, response);
	else if (response->status == 200)
		doctor_note(run->doctor, CHECK_API, FINDING_OK, NULL,
			    "%s lets anybody in (anonymous access)", name);
	else if (response->status == 404)
		doctor_note(run->doctor, CHECK_API, FINDING_FAULT,
			    "name the port of the registry; in Nexus that of "
			    "the docker repository's own connector, not that "
			    "of the web interface",
			    "%s is no registry: it does not know '/v2/'", name);
	else if (location)
		doctor_note(run->doctor, CHECK_API, FINDING_FAULT,
			    "name the registry by the address it sends us to",
			    "%s answers %d and sends us to '%s'", name,
			    response->status, location);
	else
		doctor_note_answer(run, CHECK_API, FINDING_FAULT, response,
				   "it cannot be used");
}

/* The answer to the first question, and by how much the clocks differ. Where
 * the certificate is not good it is asked once more only for its date:
 * nothing of ours is said to it, and nothing it says is relied on. */
static int ask_first(struct doctor_run *run, int64_t *skew, struct err *unasked,
		     struct err *err)
{
	const struct registry *registry = run->session->registry;
	struct http_config unverified = registry->config;
	auto_response struct http_response response = HTTP_RESPONSE_INIT;
	struct err ignored = ERR_INIT;

	*skew = SKEW_UNKNOWN;
	if (ask_api(&registry->config, registry->base, &response, unasked) ==
	    0) {
		look_at_api(run, &response);
		*skew = skew_of(&response);
		return 0;
	}
	if (unasked->kind == ERR_INTERRUPTED) {
		*err = *unasked;
		return -1;
	}
	unverified.insecure = true;
	if (ask_api(&unverified, registry->base, &response, &ignored) == 0)
		*skew = skew_of(&response);
	return 0;
}

static int look_at_credentials(struct doctor_run *run, struct err *err)
{
	struct doctor *doctor = run->doctor;
	const struct registry *registry = run->session->registry;
	const char *missing = run->options->without_credentials;
	int good = registry_check(run->session, err);

	if (good < 0 && err->kind == ERR_INTERRUPTED)
		return -1;
	if (good < 0 && missing)
		doctor_note(doctor, CHECK_CREDENTIALS, FINDING_FAULT,
			    "give --registry-username and "
			    "--registry-password-stdin, or --authfile",
			    "%s", missing);
	else if (good < 0)
		doctor_note(doctor, CHECK_CREDENTIALS, FINDING_FAULT,
			    run->nexus ? "check user and password; in Nexus "
					 "also 'Docker Bearer Token Realm' "
					 "(Security, Realms)" :
					 "check user and password",
			    "%s", err->msg);
	else if (registry->username)
		doctor_note(doctor, CHECK_CREDENTIALS, FINDING_OK, NULL,
			    "user '%s', password from %s, accepted",
			    registry->username,
			    registry->credentials_from ?
				    registry->credentials_from :
				    "the command line");
	else
		doctor_note(doctor, CHECK_CREDENTIALS, FINDING_OK, NULL,
			    "none, and none are wanted");
	if (good < 0)
		doctor_skip(doctor, CHECK_WRITE, CHECK_LEFT,
			    "the registry does not let us in");
	err_clear(err);
	return 0;
}

static void look_at_certificate(struct doctor_run *run, const char *chain,
				const char *host, int64_t skew)
{
	auto_x509_look struct x509_look look = { 0 };
	struct err err = ERR_INIT;

	if (chain == NULL)
		return;
	if (x509_look(&look, chain, &err) < 0) {
		doctor_note_err(run->doctor, CHECK_CERTIFICATE, &err);
		return;
	}
	look_at_trust(run, chain, &look);
	look_at_name(run->doctor, chain, &look, host);
	look_at_dates(run->doctor, &look, skew);
}

/* What was told already need not be told as a fault of the API as well. */
static void note_unasked(struct doctor *doctor, const struct err *unasked)
{
	if (doctor_faults(doctor) > 0)
		doctor_skip(doctor, CHECK_API, CHECK_API,
			    "the registry cannot be asked");
	else
		doctor_note_err(doctor, CHECK_API, unasked);
}

int doctor_reach(struct doctor_run *run, struct err *err)
{
	struct doctor *doctor = run->doctor;
	auto_url struct url url = { 0 };
	auto_probe struct probe probe = PROBE_INIT;
	autofree char *host = NULL;
	struct err unasked = ERR_INIT;
	const char *port;
	bool tls;
	int64_t skew;

	if (url_parse(&url, run->session->registry->base, err) < 0)
		return -1;
	host = plain_host(&url);
	tls = str_eq(url.scheme, "https");
	port = url.port ? url.port : tls ? "443" : "80";
	look_at_address(doctor, &probe, host, port);
	if (probe.found)
		look_at_connection(doctor, &probe, port);
	if (probe.fd >= 0 && tls)
		look_at_tls(doctor, &probe, host);
	probe_hang_up(&probe);
	if (clock_check_interrupt(err) < 0 ||
	    ask_first(run, &skew, &unasked, err) < 0)
		return -1;
	look_at_certificate(run, probe.chain_pem, host, skew);
	look_at_clock(doctor, skew);
	doctor_skip(doctor, CHECK_TLS, CHECK_VALIDITY, "no TLS");
	if (unasked.kind)
		note_unasked(doctor, &unasked);
	if (unasked.kind ||
	    doctor->finding[CHECK_API].status == FINDING_FAULT) {
		doctor_skip(doctor, CHECK_CREDENTIALS, CHECK_LEFT,
			    "the registry cannot be asked");
		return 0;
	}
	return look_at_credentials(run, err);
}
