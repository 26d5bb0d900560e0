#!/bin/sh
# A file includes only its own layer and those left of it:
#
#	base format net {registry kube} {bundle slurm} txn cmd main
#
# Those in braces do not know each other, and each third-party header is
# named in its one wrapper only.

set -eu
cd "$(dirname "$0")/../.."

# shellcheck disable=SC2016 # awk's $0
find installer -name '*.[ch]' | LC_ALL=C sort | xargs awk '
function complain(what)
{
	printf "%s:%d: %s\n", FILENAME, FNR, what
	bad = 1
}
function allow(header, files)
{
	headers[++nr] = header
	wrapper[header] = " " files " "
}
BEGIN {
	split("base format net registry kube bundle txn cmd", order, " ")
	for (i in order)
		level[order[i]] = i + 0
	level["kube"] = level["registry"]
	level["slurm"] = level["bundle"]
	level["main.c"] = 99
	allow("curl/", "net/http.c net/http_fault.c net/http_setup.c net/url.c main.c")
	allow("archive", "format/tar.c")
	allow("yaml.h", "format/yaml.c")
	allow("lua5.4/", "slurm/interpreter.c")
	allow("jansson.h", "format/jval.c format/jval.h")
	allow("openssl/", "base/crypto.c base/digest.c base/sign.c base/x509.c base/x509_look.c net/probe.c net/trust.c")
	allow("zlib.h", "format/gzip.c")
}
FNR == 1 {
	file = FILENAME
	sub(/^installer\//, "", file)
	own = file
	sub(/\/.*/, "", own)
	if (!(own in level))
		complain("no layer is called \"" own "\"")
}
/^[ \t]*#[ \t]*include[ \t]*"/ {
	match($0, /"[^"]*"/)
	other = substr($0, RSTART + 1, RLENGTH - 2)
	if (other == "version-stamp.h" && file == "base/version.c")
		next
	if (other !~ /\//) {
		complain("include \"" other "\" by its layer")
		next
	}
	sub(/\/.*/, "", other)
	if (!(other in level))
		complain("no layer is called \"" other "\"")
	else if (level[other] > level[own] ||
		 (level[other] == level[own] && other != own))
		complain(own " must not include " other)
}
/^[ \t]*#[ \t]*include[ \t]*</ {
	match($0, /<[^>]*>/)
	other = substr($0, RSTART + 1, RLENGTH - 2)
	for (i = 1; i <= nr; i++)
		if (index(other, headers[i]) == 1 &&
		    !index(wrapper[headers[i]], " " file " "))
			complain("<" other "> belongs to" wrapper[headers[i]] "only")
}
END { exit bad }'
