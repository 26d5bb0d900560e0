/*
 * doctor_part - what the parts of the doctor share; for them only.
 *
 * doctor.c keeps the findings, doctor_reach.c looks at everything up to the
 * credentials, doctor_write.c and doctor_image.c probe.
 */
#ifndef REGISTRY_DOCTOR_PART_H
#define REGISTRY_DOCTOR_PART_H

#include "registry/doctor.h"
#include "registry/request.h"

/* Note a finding; of two for one check the worse one counts, the first of two
 * that are as bad. `remedy` may be NULL. */
void doctor_note(struct doctor *doctor, enum check check,
		 enum finding_status status, const char *remedy,
		 const char *fmt, ...) printf_like(5, 6);

/* All from `first` to `last` that have no finding yet are skipped: why. */
void doctor_skip(struct doctor *doctor, enum check first, enum check last,
		 const char *why);

/* A fault out of an error, whose text names the remedy itself. */
void doctor_note_err(struct doctor *doctor, enum check check,
		     const struct err *err);

/* One run over one registry. */
struct doctor_run {
	struct doctor *doctor;
	struct registry_session *session;
	const struct doctor_options *options;
	bool nexus; /* it says that it is one */
};

/* One request of the probe, asked once. */
struct question {
	const char *method;
	const char *url; /* "/v2/...", or an absolute one */
	const char *repository;
	const char *from;	  /* one more that is read, or NULL */
	const char *content_type; /* or NULL */
	const char *accept;	  /* or NULL */
	const char *range;	  /* Content-Range, or NULL */
	const char *body;	  /* or NULL */
	size_t len;
	size_t cut;	 /* the body ends in a fault there; 0 = whole */
	size_t max_body; /* of the answer; 0 = 64 KiB */
};

/* The status of the answer; 0 where there was none, which is noted as a fault
 * of `check` unless the body was to be cut. */
int doctor_ask(struct doctor_run *run, enum check check,
	       const struct question *question, struct http_response *response);

/* POST for an upload: its URL, owned, or NULL and noted. */
char *doctor_begin(struct doctor_run *run, enum check check,
		   const char *repository, struct http_response *response)
	must_check;

/* Push an image to `repository`, mount its layer to `second`, and take all of
 * it away again. */
void doctor_image(struct doctor_run *run, const char *repository,
		  const char *second);

/* -1 only for ERR_INTERRUPTED. */
int doctor_reach(struct doctor_run *run, struct err *err) must_check;
int doctor_write(struct doctor_run *run, struct err *err) must_check;

/* A fault out of an answer: "<what>: <status, code and message>" with the
 * remedy, for Nexus in its own words. */
void doctor_note_answer(struct doctor_run *run, enum check check,
			enum finding_status status,
			const struct http_response *response, const char *what);

#endif
